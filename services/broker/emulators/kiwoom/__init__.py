"""Kiwoom's REST API as a local server: calls by `api-id`, padded and signed numbers, paging in headers, the stream."""
