"""One rewrite rule per file: ``plan, context → plan`` with the same results."""
