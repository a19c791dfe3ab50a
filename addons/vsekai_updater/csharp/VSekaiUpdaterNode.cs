// A wrapper of the node VSekaiUpdater for C#, which has no bindings for classes of extensions. F1 in the editor explains
// the node; the names here are those, in the style of C#.
#if GODOT
using System.Threading.Tasks;
using Godot;

/// <summary>Installs, updates and starts a game.</summary>
public sealed class VSekaiUpdaterNode
{
    /// <summary>The node itself: for its signals, and for what has no wrapper.</summary>
    public Node Node { get; }

    /// <summary>Wraps a node of the scene.</summary>
    public VSekaiUpdaterNode(Node node) => Node = node;

    /// <summary>Creates a node. Add <see cref="Node"/> to the tree.</summary>
    public static VSekaiUpdaterNode Create() => new((Node)ClassDB.Instantiate("VSekaiUpdater"));

    public string InstallDir { get => Node.Get("install_dir").AsString(); set => Node.Set("install_dir", value); }
    public string Mode { get => Node.Get("mode").AsString(); set => Node.Set("mode", value); }
    public string[] RepositoryUrls { get => Node.Get("repository_urls").AsStringArray(); set => Node.Set("repository_urls", value); }
    public string TrustRoot { get => Node.Get("trust_root").AsString(); set => Node.Set("trust_root", value); }
    public long RateLimitBytesPerSecond { get => Node.Get("rate_limit_bytes_per_second").AsInt64(); set => Node.Set("rate_limit_bytes_per_second", value); }
    /// <summary>Whether the player agreed to tell the publisher if new versions start: off until a player turns it on.</summary>
    public bool Reports { get => Node.Get("reports").AsBool(); set => Node.Set("reports", value); }
    public string Proxy { get => Node.Get("proxy").AsString(); set => Node.Set("proxy", value); }

    public bool IsBusy => Node.Call("is_busy").AsBool();
    public bool IsGameRunning => Node.Call("is_game_running").AsBool();
    /// <summary>From 0 to 1; -1 while it is unknown.</summary>
    public double Progress => Node.Call("get_progress").AsDouble();
    public VSekaiRelease Release => VSekaiRelease.Of(Node.Call("get_release").AsGodotObject());
    public VSekaiFailure Failure => VSekaiFailure.Of(Node.Call("get_failure").AsGodotObject());
    /// <summary>The news that the last check or ListNews has found, in this language; empty: the engine's.</summary>
    public VSekaiNews[] News(string locale = "") => System.Array.ConvertAll(
        System.Linq.Enumerable.ToArray(Node.Call("get_news", locale).AsGodotArray<GodotObject>()), VSekaiNews.Of);

    public Error CheckForUpdate() => Begin("check_for_update");
    public Error StartUpdate() => Begin("start_update");
    public Error DownloadUpdate() => Begin("download_update");
    public Error InstallVersion(string version) => (Error)Node.Call("install_version", version).AsInt64();
    public Error Verify() => Begin("verify");
    public Error Repair() => Begin("repair");
    public Error Rollback() => Begin("rollback");
    public Error RemovePrevious() => Begin("remove_previous");
    public Error Uninstall() => Begin("uninstall");
    public Error ReadStatus() => Begin("read_status");
    public Error ListNews(bool isOffline = false) => (Error)Node.Call("list_news", isOffline).AsInt64();
    public Error Launch(params string[] arguments) => (Error)Node.Call("launch", arguments).AsInt64();
    public Error SwitchMode(string name) => (Error)Node.Call("switch_mode", name).AsInt64();
    public Error Resume() => Begin("resume");
    public void Pause() => Node.Call("pause");
    public void Cancel() => Node.Call("cancel");

    /// <summary>Waits until the operation that runs has ended. Returns whether it went well; if not, Failure says why.</summary>
    public async Task<bool> Finished() => (await Node.ToSignal(Node, "finished"))[0].AsBool();

    /// <summary>Calls with done bytes, total bytes, bytes per second, seconds left, and received bytes of a download and
    /// its size (-1: no download), once a frame at most.</summary>
    public void OnProgress(System.Action<long, long, double, double, long, long> call) => Node.Connect("progress_changed", Callable.From(call));

    private Error Begin(string method) => (Error)Node.Call(method).AsInt64();
}

/// <summary>A version that a check has found.</summary>
public sealed record VSekaiRelease(string Mode, string Version, string Notes)
{
    internal static VSekaiRelease Of(GodotObject found) => found == null
        ? null
        : new(found.Get("mode").AsString(), found.Get("version").AsString(), found.Get("notes").AsString());
}

/// <summary>An item of the news, in plain text.</summary>
public sealed record VSekaiNews(string Id, string Title, string Text, string Link, string PicturePath)
{
    internal static VSekaiNews Of(GodotObject found) => new(
        found.Get("id").AsString(), found.Get("title").AsString(), found.Get("text").AsString(),
        found.Get("link").AsString(), found.Get("picture_path").AsString());
}

/// <summary>Why an operation has failed.</summary>
public sealed record VSekaiFailure(string Code, string Message, string Hint)
{
    internal static VSekaiFailure Of(GodotObject found) => found == null
        ? null
        : new(found.Get("code").AsString(), found.Get("message").AsString(), found.Get("hint").AsString());
}
#endif
