"""Makes the typed calls from the manifest: `types.py` of its `$defs`, `operations.py` of its operations."""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

_HEAD = '"""Made from the component\'s manifest by codegen.py: not to be edited."""\n'
_SCALARS = {"string": "str", "integer": "int", "boolean": "bool", "null": "None"}
# The RefundNode's business, not the caller's.
_CONNECTION = "connection"
_WIDTH = 100


def types(manifest: Schema) -> str:
    """A TypedDict, or an alias, for each of the `$defs`."""
    made = _Types()
    for name, schema in sorted(manifest["$defs"].items()):
        made.define(name, schema)
    imports = "from typing import Any, Literal, Optional, TypedDict, Union"
    return "\n".join([_HEAD, "from __future__ import annotations", "", imports, "", *made.lines])


def operations(manifest: Schema) -> str:
    """A class for each group of operations, a method for each operation."""
    groups: dict[str, list[Schema]] = {}
    for operation in manifest["operations"]:
        groups.setdefault(operation["name"].partition(".")[0], []).append(operation)
    lines = [_HEAD, "from __future__ import annotations", "", "from typing import Any, Literal, Protocol, cast"]
    lines += ["", "from . import types as t", "from .inputs import LEFT_OUT", ""]
    lines += ["", "class Invoke(Protocol):", '    """Runs an operation."""', ""]
    lines += ["    def __call__(self, operation: str, input: dict[str, Any], /) -> dict[str, Any]:"]
    lines += ['        """Run it."""', ""]
    for group, members in groups.items():
        lines += ["", f"class {_pascal(group)}:", f'    """The operations `{group}`."""', ""]
        lines += ["    def __init__(self, invoke: Invoke) -> None:", "        self._invoke = invoke"]
        for operation in members:
            lines += ["", *_indented(_method(operation, manifest["$defs"]))]
        lines.append("")
    lines += ["", "class Operations:", '    """All of them."""', ""]
    lines += ["    def __init__(self, invoke: Invoke) -> None:"]
    lines += [f"        self.{_snake(group)} = {_pascal(group)}(invoke)" for group in groups]
    return "\n".join([*lines, ""])


def _method(operation: Schema, definitions: Schema) -> Iterator[str]:
    input_schema = _resolved(operation["input_schema"], definitions)
    required = set(input_schema.get("required", []))
    fields = {name: s for name, s in input_schema.get("properties", {}).items() if name != _CONNECTION}
    ordered = sorted(fields, key=lambda name: name not in required)
    output = _Types("t.").of(operation["output_schema"], "")
    yield f"def {_snake(operation['name'].partition('.')[2])}("
    yield "    self,"
    if ordered:
        yield "    *,"
    for name in ordered:
        written = _Types("t.").of(fields[name], "")
        yield f"    {name}: {written}," if name in required else f"    {name}: {written} = LEFT_OUT,"
    yield f") -> {output}:"
    documented = [f"{name}: {_one_line(fields[name].get('description', ''))}" for name in ordered]
    yield from _indented(_docstring(operation["description"], documented))
    yield "    given: dict[str, Any] = {"
    yield from (f'        "{name}": {name},' for name in ordered)
    yield "    }"
    yield "    present = {name: value for name, value in given.items() if value is not LEFT_OUT}"
    yield f'    return cast("{output}", self._invoke("{operation["name"]}", present))'


class _Types:
    """Type expressions, and the classes they need."""

    def __init__(self, prefix: str = "") -> None:
        self.lines: list[str] = []
        self._prefix = prefix

    def define(self, name: str, schema: Schema) -> None:
        if "oneOf" in schema:
            common: Schema = {key: schema[key] for key in ("properties", "required") if key in schema}
            cases = [self._case(name, case, common) for case in schema["oneOf"]]
            self._alias(name, schema, _union(cases))
        elif "properties" in schema:
            self._class(name, schema)
        else:
            self._alias(name, schema, self.of(schema, name))

    def of(self, schema: Schema, name: str) -> str:
        """A type expression; `name` is for a class that has no name of its own."""
        if "$ref" in schema:
            return f"{self._prefix}{schema['$ref'].rpartition('/')[2]}"
        if "const" in schema:
            return f'Literal["{schema["const"]}"]'
        for several in ("anyOf", "oneOf"):
            if several in schema:
                parts = [self.of(one, f"{name}{n}") for n, one in enumerate(schema[several])]
                return " | ".join(dict.fromkeys(parts))
        kinds = schema.get("type", [])
        parts = [self._kind(kind, schema, name) for kind in ([kinds] if isinstance(kinds, str) else kinds)]
        return " | ".join(parts) or "Any"

    def _kind(self, kind: str, schema: Schema, name: str) -> str:
        if kind == "array":
            return f"list[{self.of(schema.get('items', {}), f'{name}Item')}]"
        if kind != "object":
            return _SCALARS[kind]
        if "properties" in schema:
            self._class(name, schema)
            return name
        patterns = list(schema.get("patternProperties", {}).values())
        values = patterns[0] if patterns else schema.get("additionalProperties")
        return f"dict[str, {self.of(values, f'{name}Value') if isinstance(values, dict) else 'Any'}]"

    def _case(self, name: str, case: Schema, common: Schema) -> str:
        if "properties" not in case:
            return self.of(case, name)
        properties = {**case["properties"], **common.get("properties", {})}
        tags = [s["const"] for s in case["properties"].values() if "const" in s]
        own = f"{name}{_pascal(tags[0] if tags else next(iter(case['properties'])))}"
        required = [*case.get("required", []), *common.get("required", [])]
        self._class(own, {**case, "properties": properties, "required": required})
        return own

    def _class(self, name: str, schema: Schema) -> None:
        fields = {field: s for field, s in schema["properties"].items() if field != _CONNECTION}
        for field in fields:
            if not field.isidentifier() or keyword.iskeyword(field):
                raise ValueError(f"{name}.{field} cannot be written as a Python name")
        written = {field: self.of(s, f"{name}{_pascal(field)}") for field, s in fields.items()}
        required = [field for field in fields if field in schema.get("required", [])]
        optional = [field for field in fields if field not in required]
        base = "TypedDict"
        # Python 3.10 has no NotRequired: what must be there is in a base class of its own.
        if required and optional:
            base = f"_{name}"
            self._write_class(f"class {base}(TypedDict):", "What must be there.", required, fields, written)
        total = ", total=False" if optional else ""
        own = optional or required
        self._write_class(f"class {name}({base}{total}):", schema.get("description", ""), own, fields, written)

    def _write_class(
        self, head: str, description: str, names: list[str], fields: Schema, written: dict[str, str]
    ) -> None:
        self.lines += ["", head, *_indented(_docstring(description, [])), ""]
        for name in names:
            comment = _one_line(fields[name].get("description", ""))
            self.lines += [f"    #: {line}" for line in textwrap.wrap(comment, _WIDTH)]
            self.lines.append(f"    {name}: {written[name]}")
        self.lines.append("")

    def _alias(self, name: str, schema: Schema, written: str) -> None:
        comment = _one_line(schema.get("description", ""))
        self.lines += ["", *(f"#: {line}" for line in textwrap.wrap(comment, _WIDTH)), f"{name} = {written}"]


def _union(cases: list[str]) -> str:
    literals = [case.removeprefix("Literal[").removesuffix("]") for case in cases if case.startswith("Literal[")]
    parts = [f"Literal[{', '.join(literals)}]"] if literals else []
    parts += [f'"{case}"' for case in cases if not case.startswith("Literal[")]
    return parts[0] if len(parts) == 1 and literals else f"Union[{', '.join(parts)}]"


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    reference = schema.get("$ref")
    return definitions[reference.rpartition("/")[2]] if reference else schema


def _docstring(text: str, arguments: list[str]) -> list[str]:
    paragraphs = [_one_line(part) for part in text.split("\n\n")] or [""]
    lines = [line for part in paragraphs for line in [*textwrap.wrap(part, _WIDTH), ""]][:-1] or [
        "See the manifest."
    ]
    for argument in arguments:
        lines += ["", *textwrap.wrap(argument, _WIDTH, subsequent_indent="    ")]
    escaped = [line.replace("\\", "\\\\").replace('"""', "'''") for line in lines]
    if len(escaped) == 1 and not escaped[0].endswith('"'):
        return [f'"""{escaped[0]}"""']
    return [f'"""{escaped[0]}', *escaped[1:], '"""']


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _indented(lines: Any) -> list[str]:
    return [f"    {line}" if line else "" for line in lines]


def _snake(text: str) -> str:
    return text.replace("-", "_")


def _pascal(text: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", text))
