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
    /// <summary>A value of VSekaiUpdater.State: how far the update is.</summary>
    public long State => Node.Call("get_state").AsInt64();
    /// <summary>A value of VSekaiUpdater.Operation: what is running.</summary>
    public long Operation => Node.Call("get_operation").AsInt64();
    /// <summary>From 0 to 1; -1 while it is unknown.</summary>
    public double Progress => Node.Call("get_progress").AsDouble();
    /// <summary>Bytes, speed and time left; null before the first progress of an operation.</summary>
    public VSekaiProgress ProgressDetails => VSekaiProgress.Of(Node.Call("get_progress_details").AsGodotObject());
    public VSekaiRelease Release => VSekaiRelease.Of(Node.Call("get_release").AsGodotObject());
    public VSekaiFailure Failure => VSekaiFailure.Of(Node.Call("get_failure").AsGodotObject());
    /// <summary>Why the last Launch has failed; null if it has not.</summary>
    public VSekaiFailure LaunchFailure => VSekaiFailure.Of(Node.Call("get_launch_failure").AsGodotObject());
    /// <summary>What the update that was found will do; null if there is none.</summary>
    public VSekaiPlan Plan => VSekaiPlan.Of(Node.Call("get_plan").AsGodotObject());
    /// <summary>What PlanMode has found; null if there would be nothing to do.</summary>
    public VSekaiPlan ModePlan => VSekaiPlan.Of(Node.Call("get_mode_plan").AsGodotObject());
    /// <summary>What ReadStatus has read; null before that.</summary>
    public VSekaiStatus Status => VSekaiStatus.Of(Node.Call("get_status").AsGodotObject());
    /// <summary>What ListModes has found.</summary>
    public VSekaiMode[] Modes => All("get_modes", VSekaiMode.Of);
    /// <summary>What ListNotes has found, the newest version first.</summary>
    public VSekaiNotes[] Notes => All("get_notes", VSekaiNotes.Of);
    /// <summary>The files that Verify has found missing or different.</summary>
    public string[] DamagedFiles => Node.Call("get_damaged_files").AsStringArray();
    /// <summary>The news that the last check or ListNews has found, in this language; empty: the engine's.</summary>
    public VSekaiNews[] News(string locale = "") => All("get_news", VSekaiNews.Of, locale);

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
    public Error ListModes() => Begin("list_modes");
    public Error PlanMode(string name) => (Error)Node.Call("plan_mode", name).AsInt64();
    public Error ListNotes(bool isOffline = false) => (Error)Node.Call("list_notes", isOffline).AsInt64();
    public Error MoveInstall(string directory) => (Error)Node.Call("move_install", directory).AsInt64();
    public Error ListNews(bool isOffline = false) => (Error)Node.Call("list_news", isOffline).AsInt64();
    public Error Launch(params string[] arguments) => (Error)Node.Call("launch", arguments).AsInt64();
    public Error SwitchMode(string name) => (Error)Node.Call("switch_mode", name).AsInt64();
    public Error Resume() => Begin("resume");
    public void Pause() => Node.Call("pause");
    public void Cancel() => Node.Call("cancel");

    /// <summary>Waits until the operation that runs has ended. Returns whether it went well; if not, Failure says why.</summary>
    public async Task<bool> Finished() => (await Node.ToSignal(Node, "finished"))[0].AsBool();

    /// <summary>Calls with what has been done, once a frame at most.</summary>
    public void OnProgressed(System.Action<VSekaiProgress> call) =>
        Node.Connect("progressed", Callable.From<GodotObject>(progress => call(VSekaiProgress.Of(progress))));

    /// <summary>Calls with done bytes, total bytes, bytes per second, seconds left, and received bytes of a download and
    /// its size (-1: no download), once a frame at most.</summary>
    public void OnProgress(System.Action<long, long, double, double, long, long> call) => Node.Connect("progress_changed", Callable.From(call));

    private Error Begin(string method) => (Error)Node.Call(method).AsInt64();

    private T[] All<T>(string method, System.Converter<GodotObject, T> of, params Variant[] arguments) => System.Array.ConvertAll(
        System.Linq.Enumerable.ToArray(Node.Call(method, arguments).AsGodotArray<GodotObject>()), of);
}

/// <summary>What an update will do, in numbers.</summary>
public sealed record VSekaiPlan(string Version, long DownloadBytes, long NeededBytes, long FreeBytes, bool IsDowngrade)
{
    internal static VSekaiPlan Of(GodotObject found) => found == null
        ? null
        : new(found.Get("version").AsString(), found.Get("download_bytes").AsInt64(), found.Get("needed_bytes").AsInt64(),
            found.Get("free_bytes").AsInt64(), found.Get("is_downgrade").AsBool());
}

/// <summary>What is installed.</summary>
public sealed record VSekaiStatus(
    bool IsInstalled, string Mode, string Version, string PreviousVersion, bool IsOnTrial, bool IsResumable, long DiskBytes)
{
    internal static VSekaiStatus Of(GodotObject found) => found == null
        ? null
        : new(found.Get("is_installed").AsBool(), found.Get("mode").AsString(), found.Get("version").AsString(),
            found.Get("previous_version").AsString(), found.Get("is_on_trial").AsBool(), found.Get("is_resumable").AsBool(),
            found.Get("disk_bytes").AsInt64());
}

/// <summary>A stream of versions.</summary>
public sealed record VSekaiMode(string Name, string Description, string Newest, bool IsActive, bool IsCurrent)
{
    internal static VSekaiMode Of(GodotObject found) => new(
        found.Get("name").AsString(), found.Get("description").AsString(), found.Get("newest").AsString(),
        found.Get("is_active").AsBool(), found.Get("is_current").AsBool());
}

/// <summary>The release notes of one version.</summary>
public sealed record VSekaiNotes(string Mode, string Version, string Notes, long PublishedAt, bool IsCurrent, bool IsNew)
{
    internal static VSekaiNotes Of(GodotObject found) => new(
        found.Get("mode").AsString(), found.Get("version").AsString(), found.Get("notes").AsString(),
        found.Get("published_at").AsInt64(), found.Get("is_current").AsBool(), found.Get("is_new").AsBool());
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

/// <summary>How far an operation is. Phase is a value of VSekaiProgress.Phase; Fraction, DownloadBytes and SecondsLeft are
/// -1 while unknown.</summary>
public sealed record VSekaiProgress(
    long Phase, double Fraction, bool IsDownloading, long DoneBytes, long TotalBytes, long ReceivedBytes, long DownloadBytes,
    double BytesPerSecond, double SecondsLeft)
{
    internal static VSekaiProgress Of(GodotObject found) => found == null
        ? null
        : new(found.Get("phase").AsInt64(), found.Get("fraction").AsDouble(), found.Get("is_downloading").AsBool(),
            found.Get("done_bytes").AsInt64(), found.Get("total_bytes").AsInt64(), found.Get("received_bytes").AsInt64(),
            found.Get("download_bytes").AsInt64(), found.Get("bytes_per_second").AsDouble(),
            found.Get("seconds_left").AsDouble());
}

/// <summary>Why an operation has failed. Code is the text of a value of VSekaiFailure.Kind.</summary>
public sealed record VSekaiFailure(string Code, string Message, string Hint)
{
    internal static VSekaiFailure Of(GodotObject found) => found == null
        ? null
        : new(found.Get("code").AsString(), found.Get("message").AsString(), found.Get("hint").AsString());
}
#endif
