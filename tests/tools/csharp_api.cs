// The names of Godot's API for C# that the addon's wrapper uses, with the types that Godot 4 declares for them, so that a
// compiler can check the wrapper where there is no Godot for .NET. Nothing of it runs.
using System;
using System.Collections;
using System.Collections.Generic;
using System.Runtime.CompilerServices;

namespace Godot
{
    public enum Error : long { Ok = 0, Unconfigured = 3, Busy = 44 }

    public sealed class StringName
    {
        public static implicit operator StringName(string from) => null;
    }

    public struct Variant
    {
        public bool AsBool() => false;
        public long AsInt64() => 0;
        public double AsDouble() => 0;
        public string AsString() => "";
        public string[] AsStringArray() => null;
        public GodotObject AsGodotObject() => null;
        public Collections.Array AsGodotArray() => null;
        public static implicit operator Variant(bool from) => default(Variant);
        public static implicit operator Variant(long from) => default(Variant);
        public static implicit operator Variant(double from) => default(Variant);
        public static implicit operator Variant(string from) => default(Variant);
        public static implicit operator Variant(string[] from) => default(Variant);
        public static implicit operator Variant(GodotObject from) => default(Variant);
    }

    public struct Callable
    {
        public static Callable From(Action action) => default(Callable);
        public static Callable From<T0>(Action<T0> action) => default(Callable);
        public static Callable From<T0, T1>(Action<T0, T1> action) => default(Callable);
    }

    public class SignalAwaiter : INotifyCompletion
    {
        public bool IsCompleted => true;
        public SignalAwaiter GetAwaiter() => this;
        public Variant[] GetResult() => null;
        public void OnCompleted(Action continuation) { }
    }

    public class GodotObject
    {
        public Variant Get(StringName property) => default(Variant);
        public void Set(StringName property, Variant value) { }
        public Variant Call(StringName method, params Variant[] args) => default(Variant);
        public Error Connect(StringName signal, Callable callable, uint flags = 0) => Error.Ok;
        public void Disconnect(StringName signal, Callable callable) { }
        public bool IsConnected(StringName signal, Callable callable) => false;
        public static bool IsInstanceValid(GodotObject instance) => instance != null;
        public SignalAwaiter ToSignal(GodotObject source, StringName signal) => null;
    }

    public sealed class NodePath
    {
        public static implicit operator NodePath(string from) => null;
    }

    public class Node : GodotObject
    {
        public Node GetNode(NodePath path) => null;
    }

    public class RefCounted : GodotObject { }
    public class Resource : RefCounted { }
    public class Texture2D : Resource { }

    public static class GD
    {
        public static void Print(params object[] what) { }
    }

    public static class ClassDB
    {
        public static Variant Instantiate(StringName name) => default(Variant);
        public static Variant ClassCallStatic(StringName name, StringName method, params Variant[] args) => default(Variant);
    }
}

namespace Godot.Collections
{
    public class Array : IEnumerable<Variant>
    {
        public IEnumerator<Variant> GetEnumerator() => null;
        IEnumerator IEnumerable.GetEnumerator() => null;
    }
}
