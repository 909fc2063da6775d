# %% [markdown]
# # Columns of different types
#
# Numbers are imputed and scaled, texts are encoded and selected, all within one model; then the settings of both
# are searched together. The shape is that of scikit-learn's tutorial on columns of mixed types, on other data.

# %%
import pandas as pd
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.feature_selection import SelectPercentile, chi2
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import RandomizedSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

# %% [markdown]
# ## The data

# %%
birds = pd.read_csv("examples/data/penguins.csv")
birds = birds.dropna(subset=["sex"])
birds["bill_ratio"] = birds["bill_length_mm"] / birds["bill_depth_mm"]
X = birds.drop(columns=["sex", "body_mass_g"])
y = birds["sex"] == "MALE"

# %% [markdown]
# ## Columns by name

# %%
numeric_features = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm"]
numeric_transformer = Pipeline(
    steps=[("imputer", SimpleImputer(strategy="median")), ("scaler", StandardScaler())],
)

categorical_features = ["species", "island"]
categorical_transformer = Pipeline(
    steps=[
        ("encoder", OneHotEncoder(handle_unknown="ignore")),
        ("selector", SelectPercentile(chi2, percentile=50)),
    ],
)
preprocessor = ColumnTransformer(
    transformers=[
        ("num", numeric_transformer, numeric_features),
        ("cat", categorical_transformer, categorical_features),
    ],
)

# %%
classifier = LogisticRegression(max_iter=1000)
clf = Pipeline(steps=[("preprocessor", preprocessor), ("classifier", classifier)])

X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=0)

clf.fit(X_train, y_train)
score = clf.score(X_test, y_test)
print(f"model score: {score:.3f}")

# %% [markdown]
# ## Columns by type
#
# Which columns are numbers can be left to a selector; the ratio then counts as one, too.

# %%
by_type = ColumnTransformer(
    transformers=[
        ("num", numeric_transformer, make_column_selector(dtype_include="number")),
        ("cat", categorical_transformer, make_column_selector(dtype_exclude="number")),
    ],
)
clf_by_type = Pipeline(steps=[("preprocessor", by_type), ("classifier", classifier)])

clf_by_type.fit(X_train, y_train)
score_by_type = clf_by_type.score(X_test, y_test)
print(f"model score, columns by type: {score_by_type:.3f}")

# %%
confusion = confusion_matrix(y_test, clf_by_type.predict(X_test))
print(confusion)

# %% [markdown]
# ## Settings of all steps, searched together

# %%
settings = {
    "preprocessor__num__imputer__strategy": ["mean", "median"],
    "preprocessor__cat__selector__percentile": [10, 30, 50, 70],
    "classifier__C": [0.1, 1.0, 10.0, 100.0],
}
search = RandomizedSearchCV(clf_by_type, settings, n_iter=6, cv=3, random_state=0)

search.fit(X_train, y_train)
print("best settings:", search.best_params_)
print(f"internal score: {search.best_score_:.3f}")

# %%
held_out = search.score(X_test, y_test)
print(f"score on rows held out: {held_out:.3f}")
