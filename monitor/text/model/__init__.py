"""The linear model that needs-an-answer stands on: how it is read, fitted to what staff teach, and measured.

`linear` reads the shipped file (`judge.model`; MODEL.md is its card), `trained` holds what staff taught as values,
`training` and `fitting` make them from answers, `evaluation` says how good a judge is.
"""
