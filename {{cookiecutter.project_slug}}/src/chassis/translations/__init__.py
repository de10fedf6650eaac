"""The catalogues of translations: what `make messages` writes, and what `make ci` says about them.

Needs Babel, which an app does not: i18n.py reads what is compiled here.
"""
