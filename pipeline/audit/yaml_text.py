"""YAML as nodes: what it says is seen before anything is made of it."""

from __future__ import annotations

import yaml

_MOST_NODES, _MOST_DEEP = 200_000, 100
_TAG = "tag:yaml.org,2002:"
_TAGS = frozenset(f"{_TAG}{name}" for name in ("bool", "float", "int", "map", "merge", "null", "seq", "str",
                                               "timestamp"))  # fmt: skip

# Where, which tag, and what is wrong with it.
YamlProblem = tuple[str, str, str]


def parse_yaml(text: str) -> tuple[object, list[YamlProblem]]:
    """Return what YAML says, and what of it is more than plain values.

    Raises:
        ValueError: it is no YAML, has more than one document, or is unbounded: aliases that multiply.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    reader = _Reader()
    value = None if root is None else reader.value_of(root, "", 0)
    return value, reader.problems


class _Reader:
    """Reads nodes as plain values, each as often as an alias repeats it."""

    def __init__(self) -> None:
        self.problems: list[YamlProblem] = []
        self._n_nodes = 0
        self._plain = yaml.constructor.SafeConstructor()

    def value_of(self, node: yaml.Node, key: str, depth: int) -> object:
        self._n_nodes += 1
        if self._n_nodes > _MOST_NODES or depth > _MOST_DEEP:
            raise ValueError(f"more than {_MOST_NODES} values, or nested more than {_MOST_DEEP} deep")
        if node.tag not in _TAGS:
            self.problems.append((key, node.tag.removeprefix(_TAG), "a tag that makes more than plain values"))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, key, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.value_of(part, f"{key}#{index}", depth + 1) for index, part in enumerate(node.value)]
        return self._plain.construct_object(node) if node.tag in _TAGS else node.value

    def _mapping(self, node: yaml.MappingNode, key: str, depth: int) -> dict[str, object]:
        found: dict[str, object] = {}
        for name_node, inner in node.value:
            name = str(name_node.value) if isinstance(name_node, yaml.ScalarNode) else repr(name_node.tag)
            here = f"{key}#{name}" if key else name
            if name_node.tag not in _TAGS or not isinstance(name_node, yaml.ScalarNode):
                self.problems.append((here, name_node.tag.removeprefix(_TAG), "a key that is no plain text"))
            value = self.value_of(inner, here, depth + 1)
            if name in found:
                self.problems.append((here, "", "the key stands twice"))
            found[name] = value
        return found
