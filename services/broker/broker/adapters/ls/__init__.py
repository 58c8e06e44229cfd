"""LS Securities: domestic cash orders over its Open API. The key alone decides whose account it is, and which kind."""
