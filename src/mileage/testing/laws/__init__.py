"""Laws of operators: the contract, the traits, prefixes, and the algebra of states."""
