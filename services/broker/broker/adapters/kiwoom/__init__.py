"""Kiwoom: domestic cash orders over its REST API. The key alone decides whose account it is."""
