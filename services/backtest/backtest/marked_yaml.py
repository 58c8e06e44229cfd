"""YAML with the place of everything in it: what a stranger's file is read through."""

from typing import Any, Final

import yaml

from backtest.domain.marked import Marked, Unreadable

FILE_LENGTH_MAX: Final = 16_384
DEPTH_MAX: Final = 12


def read_marked(text: str) -> Marked:
    """The tree of a YAML document. Unreadable, with line and column, for what is no YAML or has more than a tree needs.

    Every scalar stays the text it is; aliases, tags, keys given twice, and depths beyond `DEPTH_MAX` are refused.
    """
    try:
        node = _Loader(text).get_single_node()
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        column = error.position - before.rfind("\n")
        raise Unreadable(before.count("\n") + 1, column, "this character cannot be in a file") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (1, 1) if mark is None else (mark.line + 1, mark.column + 1)
        raise Unreadable(*place, f"this is no YAML: {error.problem or error.context}") from None
    if node is None:
        raise Unreadable(1, 1, "the file is empty")
    return _marked(node)


class _Loader(yaml.SafeLoader):
    """Composes trees only, and no deep ones."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise Unreadable(line, column, "a strategy needs no anchors and aliases: write it out")
        if getattr(event, "tag", None):
            raise Unreadable(line, column, "a strategy needs no tags: leave it out")
        if self.depth >= DEPTH_MAX:
            raise Unreadable(line, column, f"this is nested deeper than {DEPTH_MAX} levels")
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def _marked(node: yaml.Node) -> Marked:
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    if isinstance(node, yaml.MappingNode):
        table: dict[str, Marked] = {}
        for key, value in node.value:
            place = (key.start_mark.line + 1, key.start_mark.column + 1)
            if not isinstance(key, yaml.ScalarNode):
                raise Unreadable(*place, "a name is a plain word")
            if key.value in table:
                raise Unreadable(*place, f"{key.value} is given twice")
            table[key.value] = _marked(value)
        return Marked(line, column, table)
    if isinstance(node, yaml.SequenceNode):
        return Marked(line, column, [_marked(each) for each in node.value])
    is_nothing = node.tag == "tag:yaml.org,2002:null"
    return Marked(line, column, None if is_nothing else str(node.value))
