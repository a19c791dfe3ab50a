#!/usr/bin/env python3
"""Writes the addon's wrapper for C# from the classes that Godot knows: csharp_wrapper.py [--check].

So it has all of them. Compiles it with `mcs`, if there is one, and the examples of docs/godot.md with it, against the names of
Godot's API in tests/tools/csharp_api.cs. `--check` compares and compiles, and writes nothing.
"""

import html
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import node_classes
from node_classes import REPO, kind, plain

WRAPPER = REPO / "addons/vsekai_updater/csharp/VSekaiUpdaterNode.cs"
API = REPO / "tests/tools/csharp_api.cs"
GUIDE = REPO / "docs/godot.md"
NODE = "VSekaiUpdater"
PLAIN = {"String": ("string", "AsString"), "bool": ("bool", "AsBool"), "int": ("long", "AsInt64")}
PLAIN |= {"float": ("double", "AsDouble"), "PackedStringArray": ("string[]", "AsStringArray")}
HEAD = """// Made by tests/tools/csharp_wrapper.py from the classes of the extension, which have no bindings for C#. F1 in the editor
// explains them; the names here are those, in the style of C#.
#if GODOT
using System;
using System.Linq;
using System.Threading.Tasks;
using Godot;

namespace VSekai
{
/// <summary>A handler that is connected to a signal, until it is disposed of.</summary>
public sealed class VSekaiConnection : IDisposable
{
    private readonly GodotObject source;
    private readonly StringName signal;
    private readonly Callable callable;
    internal VSekaiConnection(GodotObject source, StringName signal, Callable callable)
    {
        this.source = source;
        this.signal = signal;
        this.callable = callable;
        source.Connect(signal, callable);
    }

    /// <summary>Disconnects the handler. Can be repeated, and called after the object is freed.</summary>
    public void Dispose()
    {
        if (GodotObject.IsInstanceValid(source) && source.IsConnected(signal, callable))
            source.Disconnect(signal, callable);
    }
}
"""
# What C# wants beyond the names, and what it has in place of these methods.
REPLACED = {("VSekaiTask", "wait")}
OWN = {
    NODE: """    /// <summary>Wraps a node of the scene.</summary>
    public VSekaiUpdaterNode(Node node) => Object = node;

    /// <summary>The node itself.</summary>
    public Node Node => (Node)Object;

    /// <summary>Creates a node. Add <see cref="Node"/> to the tree.</summary>
    public static VSekaiUpdaterNode Create() => new VSekaiUpdaterNode((Node)ClassDB.Instantiate("VSekaiUpdater").AsGodotObject());

    /// <summary>Waits for the end of the operation that the node tells next, which it returns; see <see cref="VSekaiTask.Wait"/>.</summary>
    public async Task<VSekaiTask> Finished() => VSekaiTask.Of((await Object.ToSignal(Object, "finished"))[0].AsGodotObject());
""",
    "VSekaiTask": """    /// <summary>Waits for its end, if it has not ended, and returns whether it ended well.</summary>
    public async Task<bool> Wait() => IsFinished ? IsOk : (await Object.ToSignal(Object, "finished"))[0].AsBool();
""",
}


def pascal(name):
    return "".join(part[:1].upper() + part[1:].lower() for part in name.split("_"))


def camel(name):
    return name.split("_")[0] + pascal("_".join(name.split("_")[1:]))


def enum_name(name):
    """`VSekaiState` of `VSekaiUpdater.State`, `VSekaiFailureKind` of `VSekaiFailure.Kind`."""
    owner, own = name.split(".")
    return ("VSekai" if owner == NODE else owner) + own


def type_of(name):
    """The type in C#, and how a Variant becomes one."""
    if name in PLAIN:
        own, convert = PLAIN[name]
        return own, lambda variant: f"{variant}.{convert}()"
    if name == "Error":
        return "Error", lambda variant: f"(Error){variant}.AsInt64()"
    if "." in name:
        return enum_name(name), lambda variant: f"({enum_name(name)}){variant}.AsInt64()"
    if name.endswith("[]"):
        return name, lambda variant: f"{name[:-2]}.All({variant}.AsGodotArray())"
    if name.startswith("VSekai"):
        return name, lambda variant: f"{name}.Of({variant}.AsGodotObject())"
    return name, lambda variant: f"({name}){variant}.AsGodotObject()"


def passed(name, value):
    """A value of C# as an argument."""
    if "." in name:
        return f"(long){value}"
    return f"{value} ?? Array.Empty<string>()" if name == "PackedStringArray" else value


class Wrapper:
    def __init__(self, trees):
        self.trees, self.texts, self.lines = trees, node_classes.comments(), [HEAD]

    def add(self, line, owner="", name=""):
        text = plain(self.texts.get(f"{owner}.{name}") or self.texts.get(name) or "")
        # The first sentence.
        sentence = re.split(r"(?<=[.:])\s", text.replace("\n", " ").replace("`", "") + " ", maxsplit=1)[0].rstrip(":")
        if sentence:
            self.lines.append(f"    /// <summary>{html.escape(sentence, quote=False)}</summary>")
        self.lines.append(line)

    def method(self, owner, method):
        name, params = method.get("name"), sorted(method.findall("param"), key=lambda each: int(each.get("index")))
        declared, given = [], [f'"{name}"']
        for param in params:
            type_name, default = type_of(kind(param))[0], param.get("default")
            default = "null" if default and default.startswith("Packed") else default
            declared.append(f"{type_name} {camel(param.get('name'))}" + (f" = {default}" if default else ""))
            given.append(passed(kind(param), camel(param.get("name"))))
        is_static = "static" in (method.get("qualifiers") or "")
        call = f'ClassDB.ClassCallStatic("{owner}", {", ".join(given)})' if is_static else f"Object.Call({', '.join(given)})"
        answer = kind(method.find("return"))
        own, convert = ("void", lambda variant: variant) if answer == "void" else type_of(answer)
        static = "static " if is_static else ""
        self.add(f"    public {static}{own} {pascal(name)}({', '.join(declared)}) => {convert(call)};", owner, name)

    def signal(self, owner, signal):
        kinds = [kind(each) for each in sorted(signal.findall("param"), key=lambda each: int(each.get("index")))]
        types = ", ".join(type_of(each)[0] for each in kinds)
        names = [f"value{at}" for at in range(len(kinds))]
        generic = f"<{', '.join('Variant' for _ in kinds)}>" if kinds else ""
        values = ", ".join(type_of(each)[1](name) for each, name in zip(kinds, names))
        action = f"Action<{types}>" if kinds else "Action"
        name = pascal(signal.get("name"))
        call = f"Callable.From{generic}(({', '.join(names)}) => call({values}))"
        made = f'new VSekaiConnection(Object, "{signal.get("name")}", {call})'
        self.add(f"    public VSekaiConnection On{name}({action} call) => {made};", owner, signal.get("name"))

    def klass(self, owner, tree):
        own = f"{NODE}Node" if owner == NODE else owner
        self.lines.append("")
        self.add(f"public sealed class {own}\n{{", owner, owner)
        self.lines[-2] = self.lines[-2].strip()
        self.lines += ["    /// <summary>The object of the extension.</summary>", "    public GodotObject Object { get; }"]
        if owner != NODE:
            self.lines += [
                f"    private {own}(GodotObject found) => Object = found;",
                f"    internal static {own} Of(GodotObject found) => found == null ? null : new {own}(found);",
                f"    internal static {own}[] All(Godot.Collections.Array found) =>",
                "        found.Select(one => Of(one.AsGodotObject())).ToArray();",
            ]
        self.lines.append(OWN.get(owner, ""))
        members = tree.findall("members/member")
        accessors = {each for member in members for each in (member.get("getter"), member.get("setter"))}
        for member in members:
            name, (own, convert) = member.get("name"), type_of(kind(member))
            setter = f' set => Object.Set("{name}", {passed(kind(member), "value")});' if member.get("setter") else ""
            getter = convert(f'Object.Get("{name}")')
            self.add(f"    public {own} {pascal(name)} {{ get => {getter};{setter} }}", owner, name)
        for method in tree.findall("methods/method"):
            if method.get("name") not in accessors and (owner, method.get("name")) not in REPLACED:
                self.method(owner, method)
        for signal in tree.findall("signals/signal"):
            self.signal(owner, signal)
        self.lines.append("}")
        enums = {}
        for constant in tree.findall("constants/constant"):
            enums.setdefault(constant.get("enum"), []).append(constant)
        for enum, constants in enums.items():
            values = ", ".join(f"{pascal(each.get('name'))} = {each.get('value')}" for each in constants)
            self.lines += ["", f"public enum {enum_name(f'{owner}.{enum}')} {{ {values} }}"]

    def text(self):
        for owner in sorted(self.trees, key=lambda name: (name != NODE, name != "VSekaiTask", name)):
            self.klass(owner, self.trees[owner])
        lines = "\n".join([*self.lines, "}", "#endif", ""])
        return re.sub(r"\n{3,}", "\n\n", lines).replace("{ get; }\n\n    ///", "{ get; }\n\n    ///")


def main():
    made = Wrapper(node_classes.trees()).text()
    if "--check" not in sys.argv:
        WRAPPER.write_text(made)
    elif made != WRAPPER.read_text():
        sys.exit(f"error: {WRAPPER.name} is not what the classes say\n\nhint: run tests/tools/csharp_wrapper.py")
    if not shutil.which("mcs"):
        print("SKIPPED: no mcs: the wrapper for C# is not compiled", file=sys.stderr)
        sys.exit(os.environ.get("CI") == "true")
    examples = re.findall(r"^```csharp\n(.*?)^```$", GUIDE.read_text(), re.M | re.S)
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        files = [Path(folder) / f"Example{number}.cs" for number, _ in enumerate(examples)]
        for number, (file, code) in enumerate(zip(files, examples)):
            file.write_text(f"using Godot;\nusing VSekai;\nclass Example{number} : Node {{ public async void Run() {{\n{code}}} }}\n")
        strict = ["-warnaserror", "-warn:4", "-define:GODOT", "-target:library", f"-out:{folder}/out.dll"]
        if not files or subprocess.run(["mcs", *strict, WRAPPER, API, *files], check=False).returncode:
            sys.exit(f"error: {WRAPPER.name}, or the example of docs/godot.md, does not compile")


main()
