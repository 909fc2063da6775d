from mileage.core.diagnostics import Diagnostic
from mileage.core.spans import Span
class _R:
    text = ""
    def back(self, d): return d
def repair(text, trace):
    r=_R(); r.text = text
    return r, (Diagnostic("E100", f"unexpected {trace.bad.token.text!r}", Span(trace.bad.token.start, trace.bad.token.end)),)
