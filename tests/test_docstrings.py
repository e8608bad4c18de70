"""Every public name says what it is: what it takes, what it returns, of which shape, and when it raises.

A name is public if it stands in the `__all__` of the package or of a subpackage. What is asked of its docstring:

- it has one of its own; a constant has one below its assignment;
- it names every parameter and every field, and public methods have docstrings, their own or inherited ones;
- a function that returns something says what: in "Returns:", or because its first line is the thing ("The share
  of ...") and not what the function does ("Writes ..."), or in a sentence with "returns";
- an array has a shape: in its annotation (jaxtyping), or in brackets, or the docstring speaks of a shape;
- a function that raises an error itself says so.
"""

import ast
import dataclasses
import importlib
import inspect
import re
import textwrap

import pytest

PACKAGES = (
    "lrp_jax",
    "lrp_jax.core",
    "lrp_jax.captions.models",
    "lrp_jax.captions.explain",
    "lrp_jax.captions.render",
    "lrp_jax.captions.metrics",
    "lrp_jax.captions.scenes",
    "lrp_jax.captions.data",
    "lrp_jax.captions.images",
    "lrp_jax.captions.words",
    "lrp_jax.captions.weights",
    "lrp_jax.captions.training",
    "lrp_jax.captions.experiments",
)
OF_FLAX = {"parent", "name"}  # fields of every Linen module
# First words that are no verbs, though they end in s.
NOUNS = {"Inputs", "Pixels", "Images"}


def public():
    """(package.name, object) of each, once."""
    found = {}
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in module.__all__:
            thing = getattr(module, name)
            key = id(thing) if callable(thing) else name
            found.setdefault(key, (f"{package}.{name}", thing))
    return [pytest.param(name, thing, id=name) for name, thing in found.values()]


def constant_docstring(name):
    """What stands as a string below the assignment of a constant, wherever the package has it from."""
    package, _, short = name.rpartition(".")
    module = importlib.import_module(package)
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ImportFrom) and any((a.asname or a.name) == short for a in node.names):
            original = next(a.name for a in node.names if (a.asname or a.name) == short)
            return constant_docstring(f"{node.module}.{original}")
    body = ast.parse(inspect.getsource(module)).body
    for node, after in zip(body, [*body[1:], None], strict=True):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        named = [n.id for t in targets if t is not None for n in ast.walk(t) if isinstance(n, ast.Name)]
        if short in named and isinstance(node, ast.Assign | ast.AnnAssign):
            above = _comment_above(inspect.getsource(module).splitlines(), node.lineno)
            if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                return after.value.value
            return above
    return None


def _comment_above(lines, lineno):
    """A comment on the line, or directly above it."""
    on_line = re.search(r"#\s*(.+)$", lines[lineno - 1])
    return on_line[1] if on_line else (lines[lineno - 2][1:].strip() if lines[lineno - 2].startswith("#") else None)


def annotation_of(thing):
    return (
        thing
        if isinstance(thing, str)
        else getattr(thing, "__name__", str(thing))
        if not hasattr(thing, "__args__")
        else str(thing)
    )


def is_bare_array(annotation):
    text = str(annotation_of(annotation))
    return bool(re.search(r"(?<![\w\[.])(jax\.Array|np\.ndarray|ndarray|Array)(?!\w|\[)", text)) and '"' not in text


def mentions_a_shape(docstring):
    return bool(re.search(r"\[[\w., *+/]*\]|\bshape|\bscalar", docstring))


def of_function(function, docstring):
    """What a function's docstring lacks."""
    signature = inspect.signature(function)
    first = docstring.split("\n")[0]
    says = "Returns:" in docstring or "Yields:" in docstring or re.search(r"\breturns\b", docstring)
    verb = re.match(r"[A-Z][a-z]+s\b", first) and first.split()[0] not in NOUNS
    if signature.return_annotation not in (None, "None", signature.empty) and verb and not says:
        yield f"what it returns; the first line is {first!r}"
    for name in signature.parameters:
        if name not in ("self", "cls") and not re.search(rf"\b{name}\b", docstring):
            yield f"parameter {name}"
    bare = [name for name, kind in function.__annotations__.items() if is_bare_array(kind)]
    if bare and not mentions_a_shape(docstring):
        yield f"the shape of {', '.join(bare)}"
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    raises = [n for n in ast.walk(tree) if isinstance(n, ast.Raise) and isinstance(n.exc, ast.Call)]
    if raises and not re.search(r"raise", docstring, re.IGNORECASE):
        yield "what it raises"


def of_class(kind):
    """What a class's docstring lacks."""
    text = " ".join(base.__dict__.get("__doc__") or "" for base in kind.__mro__ if base is not object)
    fields = [f.name for f in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else []
    for name in (*fields, *getattr(kind, "_fields", ())):
        if name not in OF_FLAX and not name.startswith("_") and not re.search(rf"\b{name}\b", text):
            yield f"field {name}"
    for name, member in vars(kind).items():
        if isinstance(member, staticmethod | classmethod):
            member = member.__func__
        if isinstance(member, property):
            member = member.fget
        if not name.startswith("_") and inspect.isfunction(member) and not inspect.getdoc(getattr(kind, name)):
            yield f"a docstring of {name}"


def lacking(name, thing):
    """What is missing from the docstring of a public name."""
    thing = thing if inspect.isclass(thing) or not callable(thing) else inspect.unwrap(thing)  # cached, say
    if inspect.isfunction(thing):
        docstring = inspect.getdoc(thing)
        return list(of_function(thing, docstring)) if docstring else ["a docstring"]
    if inspect.isclass(thing):
        own = thing.__dict__.get("__doc__") or ""
        if not own or own.startswith(f"{thing.__name__}("):  # what `dataclass` makes where there is none
            return ["a docstring"]
        return [] if issubclass(thing, BaseException) else list(of_class(thing))
    return [] if constant_docstring(name) else ["a docstring, or a comment"]


@pytest.mark.parametrize(("name", "thing"), public())
def test_a_public_name_is_documented(name, thing):
    assert not lacking(name, thing)


def test_what_is_missing_is_found():
    def undocumented(x: "np.ndarray", y: int) -> int:
        """Adds something to x."""
        raise ValueError("no")

    assert [what.split()[0] for what in lacking("f", undocumented)] == ["what", "parameter", "the", "what"]

    @dataclasses.dataclass
    class Record:
        size: int

    assert lacking("Record", Record) == ["a docstring"]
    assert constant_docstring("lrp_jax.PAPER").startswith("Section 5.1")
