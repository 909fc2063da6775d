"""The driver: connect to a project, run statements, keep what they answer.

``connect`` gives a :class:`Session`; ``Session.run`` takes MILEAGE text, a query built in Python, or a tree.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mileage.session.building import predict
    from mileage.session.result import Fitted, Result
    from mileage.session.session import Session, connect

__all__ = ["Fitted", "Result", "Session", "connect", "predict"]


def __getattr__(name: str) -> object:
    if name == "predict":
        from mileage.session.building import predict

        return predict
    if name in {"Session", "connect"}:
        from mileage.session import session

        return getattr(session, name)
    if name in {"Result", "Fitted"}:
        from mileage.session import result

        return getattr(result, name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
