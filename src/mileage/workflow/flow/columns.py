"""What the steps of a scikit-learn ColumnTransformer do when they run apart: columns taken, results put together.

Order, names, weights, remainder and the rule of when a result is sparse are scikit-learn's own: its ColumnTransformer does
all of it, and is given what the branches made in the place where it would call them.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from mileage.workflow.flow.stack import side_by_side

Outs = Mapping[str, Sequence[Any]]


def take_columns(X: Any, columns: Any) -> Any:
    """Return columns by name, as a ColumnTransformer takes them."""
    from sklearn.utils import _safe_indexing

    return _safe_indexing(X, columns, axis=1)


def kind_of(X: Any, columns: list[str]) -> list[str]:
    """Return the type that a matrix of these columns would have, if they differ, and how it would lie in memory."""
    import numpy as np

    probe = take_columns(X.iloc[:2] if hasattr(X, "iloc") else X[:2], columns)
    kinds = [str(dtype) for dtype in probe.dtypes]
    values = np.asarray(probe)
    by_row = values.ndim == 2 and values.shape[1] > 1 and values.strides[1] < values.strides[0]
    common = str(values.dtype) if len(set(kinds)) > 1 and not _converted_alone(probe) else ""
    return [common, "C" if by_row else "F"]


def _converted_alone(frame: Any) -> bool:
    """Say whether scikit-learn converts columns one by one: pandas' own numbers with missing values."""
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        return False
    own = [dtype for dtype in frame.dtypes if isinstance(dtype, pd.api.extensions.ExtensionDtype)]
    return bool(own) and all(pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes)


def take_block(X: Any, columns: list[str], kind: list[str]) -> Any:
    """Return some columns of a branch with the type and the memory order they have in the branch's own matrix."""
    import numpy as np

    block = take_columns(X, columns)
    common, order = kind
    if common and any(str(dtype) != common for dtype in block.dtypes):
        block = block.astype(common)
    if not hasattr(block, "iloc") or len({str(dtype) for dtype in block.dtypes}) > 1:
        return block
    values = block.to_numpy(copy=False)
    lies = "C" if values.shape[1] > 1 and values.strides[1] < values.strides[0] else "F"
    if values.dtype.kind in "fiub" and lies != order:
        import pandas as pd

        block = pd.DataFrame(np.asarray(values, order=order), block.index, block.columns, copy=False)  # type: ignore[call-overload]
    return block


def resolved(transformer: Any, X: Any) -> Any:
    """Return a ColumnTransformer that knows which columns of ``X`` its branches have, and nothing else."""
    from sklearn.base import clone
    from sklearn.utils.validation import validate_data

    made = clone(transformer)
    validate_data(made, X=X, skip_check_array=True)
    made._validate_transformers()
    made._validate_column_callables(X)
    made._validate_remainder(X)
    return made


def take_branch(X: Any, name: str, known: Any) -> Any:
    """Return the columns of a branch of a :func:`resolved` ColumnTransformer; None if it has none."""
    given = dict(zip((one for one, *_ in known.transformers), known._columns, strict=True))
    columns = given[name] if name in given else known._remainder[2]
    return take_columns(X, columns) if len(known._transformer_to_input_indices[name]) else None


def take_branch_of_new(X: Any, name: str, known: Any) -> Any:
    """Return the columns of a branch, of other rows: in frames they have the names they had when it was fitted."""
    places = known._transformer_to_input_indices[name]
    if not len(places) or not (hasattr(known, "feature_names_in_") and hasattr(X, "columns")):
        return take_branch(X, name, known)
    given = dict(zip((one for one, *_ in known.transformers), known._columns, strict=True))
    names = known.feature_names_in_[places]
    return take_columns(X, names[0] if isinstance(given.get(name), str) else list(names))


def learned_layout(transformer: Any, X: Any, y: Any, outs: Outs, fitted: Outs) -> Any:
    """Return a fitted ColumnTransformer: columns, order and sparsity of its output, from what its branches made.

    ``fitted`` may lack branches: those stand there unfitted, and only :func:`joined` can use it.
    """
    from sklearn.base import clone

    made = clone(transformer)
    weights = made.transformer_weights or {}

    def results(*_: Any, **__: Any) -> list[Any]:
        given = made._iter(fitted=False, column_as_labels=False, skip_drop=True, skip_empty_columns=True)
        return [
            (made_of(outs[name], weights.get(name)), branch_of(trans, fitted.get(name, ())))
            for name, trans, _, _ in given
        ]

    made._call_func_on_transformers = results
    made_of: Any = _branch
    if not gives_frames(made):  # the output is another step's, and only its shape is asked for
        import numpy as np

        made_of = lambda parts, _: shape_of_blocks(parts) if _are_matrices(parts) else _branch(parts, None)  # noqa: E731
        made._hstack = lambda _, n_samples: np.empty((n_samples, 0))
    made.fit_transform(X, y)
    return _without_hooks(made)


def gives_frames(transformer: Any) -> bool:
    """Say whether the output is a frame, so that its columns need names."""
    from sklearn.utils._set_output import _get_output_config

    return bool(_get_output_config("transform", transformer)["dense"] != "default")


def joined(layout: Any, X: Any, outs: Outs) -> Any:
    """Return the output of a ColumnTransformer for rows of which the branches have made ``outs``."""
    made = copy.copy(layout)
    weights = made.transformer_weights or {}
    given = made._iter(fitted=True, column_as_labels=False, skip_drop=True, skip_empty_columns=True)
    names = [name for name, *_ in given]
    parts = [part for name in names for part in outs[name]]
    if parts and _are_matrices(parts) and not (weights or gives_frames(made)):  # all at once, not by branch first
        made._call_func_on_transformers = lambda *_, **__: [shape_of_blocks(outs[name]) for name in names]
        made._hstack = lambda *_, **__: _flat(parts, sparse_output=made.sparse_output_)
    else:
        made._call_func_on_transformers = lambda *_, **__: [_branch(outs[name], weights.get(name)) for name in names]
    return made.transform(X)


def _flat(parts: Sequence[Any], *, sparse_output: bool) -> Any:
    """Return matrices side by side, as a ColumnTransformer does it."""
    from scipy import sparse
    from sklearn.utils import check_array

    if sparse_output:
        checked = [check_array(part, accept_sparse=True, ensure_all_finite=False) for part in parts]
        return sparse.hstack(checked).tocsr()
    return side_by_side([part.toarray() if sparse.issparse(part) else part for part in parts])


def union(weights: Mapping[str, Any], outs: Mapping[str, Any]) -> Any:
    """Return the output of a FeatureUnion from what its transformers made."""
    weighted = [made if weights.get(name) is None else made * weights[name] for name, made in outs.items()]
    return side_by_side(weighted)


def whole_union(transformer: Any, fitted: Mapping[str, Any]) -> Any:
    """Return the fitted FeatureUnion."""
    made = copy.copy(transformer)
    made.transformer_list = [(name, fitted.get(name, trans)) for name, trans in transformer.transformer_list]
    return made


def whole_pipeline(pipeline: Any, fitted: Mapping[str, Any]) -> Any:
    """Return the fitted Pipeline."""
    made = copy.copy(pipeline)
    made.steps = [(name, fitted.get(name, step)) for name, step in pipeline.steps]
    return made


def whole(layout: Any, fitted: Outs) -> Any:
    """Return the fitted ColumnTransformer with its fitted branches."""
    made = copy.copy(layout)
    made.transformers_ = [
        (name, branch_of(trans, fitted[name]) if name in fitted else trans, columns)
        for name, trans, columns in layout.transformers_
    ]
    return made


def branch_of(transformer: Any, parts: Sequence[Any]) -> Any:
    """Return the fitted transformer of a branch: itself, or its blocks side by side; unfitted where there is none."""
    from mileage.workflow.flow.column_blocks import ColumnBlocks

    own = tuple(getattr(part, "fitted_", part) if type(part).__name__ == "MaybeEmpty" else part for part in parts)
    if not own:
        return transformer
    return own[0] if len(own) == 1 else ColumnBlocks(own)


def _branch(parts: Sequence[Any], weight: Any) -> Any:
    """Return the output of a branch from those of its blocks."""
    made = side_by_side(parts)
    return made if weight is None else made * weight


def shape_of_blocks(parts: Sequence[Any]) -> Any:
    """Return what tells shape and number of entries of blocks side by side, without putting them there."""
    from scipy import sparse

    from mileage.workflow.flow.stack import Blocks

    shape = (parts[0].shape[0], sum(part.shape[1] for part in parts))
    if not any(sparse.issparse(part) for part in parts):
        return Blocks(shape)
    from mileage.workflow.flow.column_blocks import SparseBlocks

    made = SparseBlocks(shape)
    made.entries = sum(part.nnz if sparse.issparse(part) else part.size for part in parts)
    return made


def _are_matrices(parts: Sequence[Any]) -> bool:
    """Say whether all of it is arrays and sparse matrices of two dimensions."""
    import numpy as np
    from scipy import sparse

    return bool(parts) and all((isinstance(p, np.ndarray) or sparse.issparse(p)) and p.ndim == 2 for p in parts)


def _without_hooks(made: Any) -> Any:
    for name in ("_call_func_on_transformers", "_hstack"):
        vars(made).pop(name, None)
    return made
