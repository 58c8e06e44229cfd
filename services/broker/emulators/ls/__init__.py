"""LS Securities as a local server: calls by `tr_cd`, its error shapes, limits and paging, and the account's notices."""
