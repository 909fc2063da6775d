"""Every error MILE raises, drawn as one tree.

::

    MileError
    ├── QueryError (ValueError)        the query text is at fault; holds one diagnostic per mistake
    │   ├── ParseError                 E1xx  it does not parse
    │   ├── BindError                  E2xx  a name, type or value does not fit the data
    │   └── NotYetError                E3xx  it parses, but this version does not execute it
    ├── DataError (ValueError)         D4xx  the data is at fault
    ├── OperatorError (ValueError)     O5xx  an operator was declared or used wrongly
    ├── EngineError (RuntimeError)     X6xx  a task failed, ran out of time or memory
    ├── CatalogError (RuntimeError)    C7xx  the project folder is at fault
    ├── UnknownRefError (LookupError)  R8xx  a reference such as @w3 names nothing
    ├── ExtraMissing (ImportError)     M9xx  an optional library is not installed
    └── InternalError (RuntimeError)   B000  a bug of MILE's own; says so

A message says what is wrong with the value, where, and what to do instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mileage.core.diagnostics import Diagnostic


class MileError(Exception):
    """Base of all errors of MILE; ``code`` is stable and documented."""

    code = "B000"

    def __init__(self, message: str, *, code: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        tail = f"\n  {self.hint}" if self.hint else ""
        return f"error[{self.code}]: {self.message}{tail}"


class QueryError(MileError, ValueError):
    """A query is wrong; ``diagnostics`` has one entry for each mistake, with its fix."""

    code = "E100"

    def __init__(self, diagnostics: Sequence[Diagnostic], *, source: str = "", name: str = "query") -> None:
        self.diagnostics = tuple(diagnostics)
        self.source = source
        self.name = name
        first = self.diagnostics[0]
        super().__init__(first.message, code=first.code)

    def __str__(self) -> str:
        from mileage.core.diagnostics import render

        return "\n".join(render(d, self.source, name=self.name) for d in self.diagnostics)


class ParseError(QueryError):
    """The text is not MILEAGE."""


class BindError(QueryError):
    """A name, type or value of the query does not fit the data or the registries."""


class NotYetError(QueryError):
    """The query is valid, and this version of MILE does not execute part of it yet."""


class DataError(MileError, ValueError):
    """The data cannot be read, or cannot answer the question."""

    code = "D400"


class OperatorError(MileError, ValueError):
    """An operator was declared or used against its contract."""

    code = "O500"


class EngineError(MileError, RuntimeError):
    """A task failed, or was stopped at its limit."""

    code = "X600"


class CatalogError(MileError, RuntimeError):
    """The project folder cannot be read or written."""

    code = "C700"


class UnknownRefError(MileError, LookupError):
    """A reference such as ``@w3`` names nothing that is kept."""

    code = "R800"


class ExtraMissing(MileError, ImportError):  # noqa: N818  (it says what is missing)
    """An optional library is not installed; the message names the extra."""

    code = "M900"


class InternalError(MileError, RuntimeError):
    """A bug of MILE's own."""

    def __str__(self) -> str:
        return f"{super().__str__()}\n  This is a bug of MILE, not of your query: please report it."
