// Made by tests/tools/csharp_wrapper.py from the classes of the extension, which have no bindings for C#. F1 in the editor
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

/// <summary>Installs, updates and starts a game from a signed V-Sekai repository.</summary>
public sealed class VSekaiUpdaterNode
{
    /// <summary>The object of the extension.</summary>
    public GodotObject Object { get; }
    /// <summary>Wraps a node of the scene.</summary>
    public VSekaiUpdaterNode(Node node) => Object = node;

    /// <summary>The node itself.</summary>
    public Node Node => (Node)Object;

    /// <summary>Creates a node. Add <see cref="Node"/> to the tree.</summary>
    public static VSekaiUpdaterNode Create() => new VSekaiUpdaterNode((Node)ClassDB.Instantiate("VSekaiUpdater").AsGodotObject());

    /// <summary>Waits for the end of the operation that the node tells next, which it returns; see <see cref="VSekaiTask.Wait"/>.</summary>
    public async Task<VSekaiTask> Finished() => VSekaiTask.Of((await Object.ToSignal(Object, "finished"))[0].AsGodotObject());

    /// <summary>The identifier of the game on the desktop, such as org.example.game</summary>
    public string AppId { get => Object.Get("app_id").AsString(); set => Object.Set("app_id", value); }
    /// <summary>The name of the game in the desktop's menu.</summary>
    public string DisplayName { get => Object.Get("display_name").AsString(); set => Object.Set("display_name", value); }
    /// <summary>Whether integrate makes the game open the links of url_scheme.</summary>
    public bool HandlesLinks { get => Object.Get("handles_links").AsBool(); set => Object.Set("handles_links", value); }
    /// <summary>The game's icon in the desktop's menu, a square Texture2D.</summary>
    public Texture2D Icon { get => (Texture2D)Object.Get("icon").AsGodotObject(); set => Object.Set("icon", value); }
    /// <summary>The folder to install into</summary>
    public string InstallDir { get => Object.Get("install_dir").AsString(); set => Object.Set("install_dir", value); }
    /// <summary>The mode (stream of versions) to follow.</summary>
    public string Mode { get => Object.Get("mode").AsString(); set => Object.Set("mode", value); }
    /// <summary>The URL of a proxy, which begins with http://, https://, socks5:// or socks5h://.</summary>
    public string Proxy { get => Object.Get("proxy").AsString(); set => Object.Set("proxy", value); }
    /// <summary>The maximum download rate, in bytes per second; 0 for no limit.</summary>
    public long RateLimitBytesPerSecond { get => Object.Get("rate_limit_bytes_per_second").AsInt64(); set => Object.Set("rate_limit_bytes_per_second", value); }
    /// <summary>The minute of the day from which the limit applies, by the clock of this computer, such as 1080 for 18:00.</summary>
    public long RateLimitFromMinute { get => Object.Get("rate_limit_from_minute").AsInt64(); set => Object.Set("rate_limit_from_minute", value); }
    /// <summary>The minute of the day at which the limit ends</summary>
    public long RateLimitToMinute { get => Object.Get("rate_limit_to_minute").AsInt64(); set => Object.Set("rate_limit_to_minute", value); }
    /// <summary>Whether to tell the publisher if a new version starts.</summary>
    public bool Reports { get => Object.Get("reports").AsBool(); set => Object.Set("reports", value); }
    /// <summary>The repository and its mirrors, as URLs or folders; the first that answers is used.</summary>
    public string[] RepositoryUrls { get => Object.Get("repository_urls").AsStringArray(); set => Object.Set("repository_urls", value ?? Array.Empty<string>()); }
    /// <summary>The publisher's root.json, which says whose signatures to trust.</summary>
    public string TrustRoot { get => Object.Get("trust_root").AsString(); set => Object.Set("trust_root", value); }
    /// <summary>What happens when check_for_update finds an update</summary>
    public VSekaiUpdatePolicy UpdatePolicy { get => (VSekaiUpdatePolicy)Object.Get("update_policy").AsInt64(); set => Object.Set("update_policy", (long)value); }
    /// <summary>The scheme of links that open the game, such as mygame for mygame://</summary>
    public string UrlScheme { get => Object.Get("url_scheme").AsString(); set => Object.Set("url_scheme", value); }
    /// <summary>Appends a line to the log of a launcher, such as user://launcher.log, which is created if it is missing.</summary>
    public static bool AppendToLog(string path, string line) => ClassDB.ClassCallStatic("VSekaiUpdater", "append_to_log", path, line).AsBool();
    /// <summary>Stops what runs, with operation_cancelled; reads such as list_news only if nothing else runs.</summary>
    public Error Cancel() => (Error)Object.Call("cancel").AsInt64();
    /// <summary>Checks for an update</summary>
    public VSekaiTask CheckForUpdate() => VSekaiTask.Of(Object.Call("check_for_update").AsGodotObject());
    /// <summary>Downloads the update and puts it beside the installed version, which stays current</summary>
    public VSekaiTask DownloadUpdate() => VSekaiTask.Of(Object.Call("download_update").AsGodotObject());
    /// <summary>The folder to install into, for a folder that a person has chosen, such as D:\Games</summary>
    public static string FindInstallDir(string chosen, string name) => ClassDB.ClassCallStatic("VSekaiUpdater", "find_install_dir", chosen, name).AsString();
    /// <summary>The addresses of the repository that is built into this library; empty in one that you have built yourself.</summary>
    public static string[] GetBuiltInRepositoryUrls() => ClassDB.ClassCallStatic("VSekaiUpdater", "get_built_in_repository_urls").AsStringArray();
    /// <summary>About what repair downloads, in bytes</summary>
    public long GetDamagedBytes() => Object.Call("get_damaged_bytes").AsInt64();
    /// <summary>The files that the last verify has found missing or different from what was published.</summary>
    public string[] GetDamagedFiles() => Object.Call("get_damaged_files").AsStringArray();
    /// <summary>The default folder of a new install of the game with this name</summary>
    public static string GetDefaultInstallDir(string product = "") => ClassDB.ClassCallStatic("VSekaiUpdater", "get_default_install_dir", product).AsString();
    /// <summary>Why the last operation has failed, was paused or was cancelled; the code is cancelled for the last two.</summary>
    public VSekaiFailure GetFailure() => VSekaiFailure.Of(Object.Call("get_failure").AsGodotObject());
    /// <summary>Free disk space at this folder, in bytes, whether it exists yet or not; -1 if unknown.</summary>
    public static long GetFreeBytes(string directory) => ClassDB.ClassCallStatic("VSekaiUpdater", "get_free_bytes", directory).AsInt64();
    /// <summary>Why the last launch has failed; null if it has not.</summary>
    public VSekaiFailure GetLaunchFailure() => VSekaiFailure.Of(Object.Call("get_launch_failure").AsGodotObject());
    /// <summary>The version of this library, such as 0.1.0, for a page about the launcher or a bug report.</summary>
    public static string GetLibraryVersion() => ClassDB.ClassCallStatic("VSekaiUpdater", "get_library_version").AsString();
    /// <summary>What plan_mode has found last.</summary>
    public VSekaiPlan GetModePlan() => VSekaiPlan.Of(Object.Call("get_mode_plan").AsGodotObject());
    /// <summary>What list_modes has found last; empty before that.</summary>
    public VSekaiMode[] GetModes() => VSekaiMode.All(Object.Call("get_modes").AsGodotArray());
    /// <summary>The news that the last check or list_news has found, the newest first, with texts for locale, such as pt_BR</summary>
    public VSekaiNews[] GetNews(string locale = "") => VSekaiNews.All(Object.Call("get_news", locale).AsGodotArray());
    /// <summary>What list_notes has found last, the newest version first; empty before that.</summary>
    public VSekaiNotes[] GetNotes() => VSekaiNotes.All(Object.Call("get_notes").AsGodotArray());
    /// <summary>The running operation, or NONE; a read only if nothing else runs.</summary>
    public VSekaiOperation GetOperation() => (VSekaiOperation)Object.Call("get_operation").AsInt64();
    /// <summary>The install that this program was started from by launch or vsekai launch; empty if it was started otherwise.</summary>
    public static string GetOwnInstallDir() => ClassDB.ClassCallStatic("VSekaiUpdater", "get_own_install_dir").AsString();
    /// <summary>What the update that was found will do, in numbers, as last told by plan_made.</summary>
    public VSekaiPlan GetPlan() => VSekaiPlan.Of(Object.Call("get_plan").AsGodotObject());
    /// <summary>How much of the running operation is done, from 0 to 1, for a progress bar</summary>
    public double GetProgress() => Object.Call("get_progress").AsDouble();
    /// <summary>The bytes, the speed and the time left of the operation, as last told by progressed.</summary>
    public VSekaiProgress GetProgressDetails() => VSekaiProgress.Of(Object.Call("get_progress_details").AsGodotObject());
    /// <summary>The update that the last check has found.</summary>
    public VSekaiRelease GetRelease() => VSekaiRelease.Of(Object.Call("get_release").AsGodotObject());
    /// <summary>How far the update is, as last reported by state_changed.</summary>
    public VSekaiState GetState() => (VSekaiState)Object.Call("get_state").AsInt64();
    /// <summary>The name of a state, such as CHECKING, for a log.</summary>
    public static string GetStateName(VSekaiState state) => ClassDB.ClassCallStatic("VSekaiUpdater", "get_state_name", (long)state).AsString();
    /// <summary>What read_status has read last; null before that.</summary>
    public VSekaiStatus GetStatus() => VSekaiStatus.Of(Object.Call("get_status").AsGodotObject());
    /// <summary>In a handler of finished, the task that has ended.</summary>
    public VSekaiTask GetTask() => VSekaiTask.Of(Object.Call("get_task").AsGodotObject());
    /// <summary>What a folder is, for somebody who wants to install there.</summary>
    public static VSekaiPlace InspectFolder(string directory) => (VSekaiPlace)ClassDB.ClassCallStatic("VSekaiUpdater", "inspect_folder", directory).AsInt64();
    /// <summary>Installs exactly this version of the followed mode, also a lower one, or one that rollback has left</summary>
    public VSekaiTask InstallVersion(string version) => VSekaiTask.Of(Object.Call("install_version", version).AsGodotObject());
    /// <summary>Registers the install with the user's desktop</summary>
    public VSekaiTask Integrate() => VSekaiTask.Of(Object.Call("integrate").AsGodotObject());
    /// <summary>Whether an operation is running, a read included.</summary>
    public bool IsBusy() => Object.Call("is_busy").AsBool();
    /// <summary>Whether a game that launch has started is running.</summary>
    public bool IsGameRunning() => Object.Call("is_game_running").AsBool();
    /// <summary>Whether a version is higher than another one, by Semantic Versioning.</summary>
    public static bool IsNewer(string version, string than) => ClassDB.ClassCallStatic("VSekaiUpdater", "is_newer", version, than).AsBool();
    /// <summary>Whether an update is paused, which resume continues and cancel gives up.</summary>
    public bool IsPaused() => Object.Call("is_paused").AsBool();
    /// <summary>Starts the installed version with these arguments, which follow those of the publisher</summary>
    public VSekaiTask Launch(string[] arguments = null, string address = "") => VSekaiTask.Of(Object.Call("launch", arguments ?? Array.Empty<string>(), address).AsGodotObject());
    /// <summary>Gets the modes of the repository, for players to choose one</summary>
    public VSekaiTask ListModes() => VSekaiTask.Of(Object.Call("list_modes").AsGodotObject());
    /// <summary>Reads the news of the followed mode</summary>
    public VSekaiTask ListNews(bool isOffline = false) => VSekaiTask.Of(Object.Call("list_news", isOffline).AsGodotObject());
    /// <summary>Gets the release notes of the last ten versions of the followed mode, and of the installed one</summary>
    public VSekaiTask ListNotes(bool isOffline = false) => VSekaiTask.Of(Object.Call("list_notes", isOffline).AsGodotObject());
    /// <summary>Moves the install to another folder, also on another disk</summary>
    public VSekaiTask MoveInstall(string directory) => VSekaiTask.Of(Object.Call("move_install", directory).AsGodotObject());
    /// <summary>The addresses that notes_to_bbcode links to, each once.</summary>
    public static string[] NotesLinks(string markdown) => ClassDB.ClassCallStatic("VSekaiUpdater", "notes_links", markdown).AsStringArray();
    /// <summary>Renders release notes, such as VSekaiRelease.notes, for a RichTextLabel with BBCode enabled.</summary>
    public static string NotesToBbcode(string markdown) => ClassDB.ClassCallStatic("VSekaiUpdater", "notes_to_bbcode", markdown).AsString();
    /// <summary>Stops the running update</summary>
    public Error Pause() => (Error)Object.Call("pause").AsInt64();
    /// <summary>Finds out what an update would do if the install followed this mode</summary>
    public VSekaiTask PlanMode(string name) => VSekaiTask.Of(Object.Call("plan_mode", name).AsGodotObject());
    /// <summary>Reads the status of the install, without network access</summary>
    public VSekaiTask ReadStatus() => VSekaiTask.Of(Object.Call("read_status").AsGodotObject());
    /// <summary>Removes the version that rollback returns to, which frees its space</summary>
    public VSekaiTask RemovePrevious() => VSekaiTask.Of(Object.Call("remove_previous").AsGodotObject());
    /// <summary>Repairs the installed version and the one to go back to</summary>
    public VSekaiTask Repair() => VSekaiTask.Of(Object.Call("repair").AsGodotObject());
    /// <summary>Continues an update stopped by pause, as a task of its own; if it has not stopped yet, as the one that runs.</summary>
    public VSekaiTask Resume() => VSekaiTask.Of(Object.Call("resume").AsGodotObject());
    /// <summary>Returns to the previous version, repairing it first if it is damaged</summary>
    public VSekaiTask Rollback() => VSekaiTask.Of(Object.Call("rollback").AsGodotObject());
    /// <summary>Runs the vsekai command line with these arguments, prints its output, and returns its exit code.</summary>
    public static long RunCommandLine(string[] arguments) => ClassDB.ClassCallStatic("VSekaiUpdater", "run_command_line", arguments ?? Array.Empty<string>()).AsInt64();
    /// <summary>Starts this launcher when the user logs in, with the argument login, or no longer</summary>
    public VSekaiTask StartAtLogin(bool isWanted) => VSekaiTask.Of(Object.Call("start_at_login", isWanted).AsGodotObject());
    /// <summary>Installs, updates or resumes</summary>
    public VSekaiTask StartUpdate() => VSekaiTask.Of(Object.Call("start_update").AsGodotObject());
    /// <summary>Makes the install follow another mode</summary>
    public VSekaiTask SwitchMode(string name) => VSekaiTask.Of(Object.Call("switch_mode", name).AsGodotObject());
    /// <summary>Says that this program has started well, by which the trial of its version ends</summary>
    public static bool TellReady() => ClassDB.ClassCallStatic("VSekaiUpdater", "tell_ready").AsBool();
    /// <summary>Removes the install</summary>
    public VSekaiTask Uninstall() => VSekaiTask.Of(Object.Call("uninstall").AsGodotObject());
    /// <summary>Reverts integrate</summary>
    public VSekaiTask Unintegrate() => VSekaiTask.Of(Object.Call("unintegrate").AsGodotObject());
    /// <summary>Compares all files of the installed version, and of the one to go back to, with what was published</summary>
    public VSekaiTask Verify() => VSekaiTask.Of(Object.Call("verify").AsGodotObject());
    /// <summary>The operation of this task has ended; emitted once for each, after its other signals.</summary>
    public VSekaiConnection OnFinished(Action<VSekaiTask> call) => new VSekaiConnection(Object, "finished", Callable.From<Variant>((value0) => call(VSekaiTask.Of(value0.AsGodotObject()))));
    /// <summary>The game has ended.</summary>
    public VSekaiConnection OnGameExited(Action<long, bool> call) => new VSekaiConnection(Object, "game_exited", Callable.From<Variant, Variant>((value0, value1) => call(value0.AsInt64(), value1.AsBool())));
    /// <summary>The install is in this folder now, and so is install_dir</summary>
    public VSekaiConnection OnInstallMoved(Action<string> call) => new VSekaiConnection(Object, "install_moved", Callable.From<Variant>((value0) => call(value0.AsString())));
    /// <summary>The install is registered with the desktop</summary>
    public VSekaiConnection OnIntegrated(Action call) => new VSekaiConnection(Object, "integrated", Callable.From(() => call()));
    /// <summary>The game has started, in this version.</summary>
    public VSekaiConnection OnLaunched(Action<string> call) => new VSekaiConnection(Object, "launched", Callable.From<Variant>((value0) => call(value0.AsString())));
    /// <summary>The launcher now starts when the user logs in, or no longer</summary>
    public VSekaiConnection OnLoginChanged(Action call) => new VSekaiConnection(Object, "login_changed", Callable.From(() => call()));
    /// <summary>The result of plan_mode.</summary>
    public VSekaiConnection OnModePlanned(Action<string, VSekaiPlan> call) => new VSekaiConnection(Object, "mode_planned", Callable.From<Variant, Variant>((value0, value1) => call(value0.AsString(), VSekaiPlan.Of(value1.AsGodotObject()))));
    /// <summary>The install now follows this mode; the next update installs its version.</summary>
    public VSekaiConnection OnModeSwitched(Action<string> call) => new VSekaiConnection(Object, "mode_switched", Callable.From<Variant>((value0) => call(value0.AsString())));
    /// <summary>The result of list_modes.</summary>
    public VSekaiConnection OnModesListed(Action<VSekaiMode[]> call) => new VSekaiConnection(Object, "modes_listed", Callable.From<Variant>((value0) => call(VSekaiMode.All(value0.AsGodotArray()))));
    /// <summary>The result of list_news, the newest item first.</summary>
    public VSekaiConnection OnNewsListed(Action<VSekaiNews[]> call) => new VSekaiConnection(Object, "news_listed", Callable.From<Variant>((value0) => call(VSekaiNews.All(value0.AsGodotArray()))));
    /// <summary>A check or an update has found nothing to do</summary>
    public VSekaiConnection OnNoUpdateFound(Action call) => new VSekaiConnection(Object, "no_update_found", Callable.From(() => call()));
    /// <summary>The result of list_notes, the newest version first.</summary>
    public VSekaiConnection OnNotesListed(Action<VSekaiNotes[]> call) => new VSekaiConnection(Object, "notes_listed", Callable.From<Variant>((value0) => call(VSekaiNotes.All(value0.AsGodotArray()))));
    /// <summary>The operation was stopped by cancel or VSekaiTask.cancel, or a paused update was given up.</summary>
    public VSekaiConnection OnOperationCancelled(Action<VSekaiOperation> call) => new VSekaiConnection(Object, "operation_cancelled", Callable.From<Variant>((value0) => call((VSekaiOperation)value0.AsInt64())));
    /// <summary>An operation failed, and the install is as it was.</summary>
    public VSekaiConnection OnOperationFailed(Action<VSekaiFailure> call) => new VSekaiConnection(Object, "operation_failed", Callable.From<Variant>((value0) => call(VSekaiFailure.Of(value0.AsGodotObject()))));
    /// <summary>What the update will do</summary>
    public VSekaiConnection OnPlanMade(Action<VSekaiPlan> call) => new VSekaiConnection(Object, "plan_made", Callable.From<Variant>((value0) => call(VSekaiPlan.Of(value0.AsGodotObject()))));
    /// <summary>The version that rollback returned to is gone; the install takes this much less room.</summary>
    public VSekaiConnection OnPreviousRemoved(Action<long> call) => new VSekaiConnection(Object, "previous_removed", Callable.From<Variant>((value0) => call(value0.AsInt64())));
    /// <summary>The operation has progressed; emitted at most once a frame.</summary>
    public VSekaiConnection OnProgressed(Action<VSekaiProgress> call) => new VSekaiConnection(Object, "progressed", Callable.From<Variant>((value0) => call(VSekaiProgress.Of(value0.AsGodotObject()))));
    /// <summary>All files are intact again; repaired_files of them were damaged.</summary>
    public VSekaiConnection OnRepairCompleted(Action<long> call) => new VSekaiConnection(Object, "repair_completed", Callable.From<Variant>((value0) => call(value0.AsInt64())));
    /// <summary>This version is current again</summary>
    public VSekaiConnection OnRolledBack(Action<string> call) => new VSekaiConnection(Object, "rolled_back", Callable.From<Variant>((value0) => call(value0.AsString())));
    /// <summary>get_state has changed</summary>
    public VSekaiConnection OnStateChanged(Action<VSekaiState> call) => new VSekaiConnection(Object, "state_changed", Callable.From<Variant>((value0) => call((VSekaiState)value0.AsInt64())));
    /// <summary>The result of read_status.</summary>
    public VSekaiConnection OnStatusRead(Action<VSekaiStatus> call) => new VSekaiConnection(Object, "status_read", Callable.From<Variant>((value0) => call(VSekaiStatus.Of(value0.AsGodotObject()))));
    /// <summary>The install has been removed.</summary>
    public VSekaiConnection OnUninstalled(Action call) => new VSekaiConnection(Object, "uninstalled", Callable.From(() => call()));
    /// <summary>The install is no longer registered with the desktop</summary>
    public VSekaiConnection OnUnintegrated(Action call) => new VSekaiConnection(Object, "unintegrated", Callable.From(() => call()));
    /// <summary>The version is installed, and the next launch starts it.</summary>
    public VSekaiConnection OnUpdateCompleted(Action<string> call) => new VSekaiConnection(Object, "update_completed", Callable.From<Variant>((value0) => call(value0.AsString())));
    /// <summary>This version was downloaded, and waits beside the installed one</summary>
    public VSekaiConnection OnUpdateDownloaded(Action<string> call) => new VSekaiConnection(Object, "update_downloaded", Callable.From<Variant>((value0) => call(value0.AsString())));
    /// <summary>A check has found an update.</summary>
    public VSekaiConnection OnUpdateFound(Action<VSekaiRelease> call) => new VSekaiConnection(Object, "update_found", Callable.From<Variant>((value0) => call(VSekaiRelease.Of(value0.AsGodotObject()))));
    /// <summary>The update was stopped by pause; resume continues it.</summary>
    public VSekaiConnection OnUpdatePaused(Action call) => new VSekaiConnection(Object, "update_paused", Callable.From(() => call()));
    /// <summary>All files have been read, of the current version and of the one to go back to.</summary>
    public VSekaiConnection OnVerifyCompleted(Action<string[]> call) => new VSekaiConnection(Object, "verify_completed", Callable.From<Variant>((value0) => call(value0.AsStringArray())));
    /// <summary>There was a problem that does not stop the operation, such as a mirror that did not answer.</summary>
    public VSekaiConnection OnWarned(Action<string, string> call) => new VSekaiConnection(Object, "warned", Callable.From<Variant, Variant>((value0, value1) => call(value0.AsString(), value1.AsString())));
}

public enum VSekaiPlace { Free = 0, Installed = 1, Taken = 2, Forbidden = 3, Begun = 4 }

public enum VSekaiUpdatePolicy { Silent = 0, Ask = 1, Never = 2 }

public enum VSekaiState { Idle = 0, Checking = 1, NoUpdateFound = 2, UpdateAvailable = 3, PreparingUpdate = 4, DownloadingUpdate = 5, ApplyingUpdate = 6, FinalizingUpdate = 7, UpdateSuccessful = 8, Paused = 9, Cancelled = 10, Failed = 11, RollingBack = 12, Verifying = 13, Repairing = 14 }

public enum VSekaiOperation { None = 0, Check = 1, Update = 2, Verify = 3, Repair = 4, Rollback = 5, ListModes = 6, SwitchMode = 7, Launch = 8, Integrate = 9, Unintegrate = 10, Uninstall = 11, ReadStatus = 12, PlanMode = 13, MoveInstall = 14, ListNotes = 15, Download = 16, StartAtLogin = 17, ListNews = 18, RemovePrevious = 19 }

/// <summary>One operation of a VSekaiUpdater, from its call to its end; read-only.</summary>
public sealed class VSekaiTask
{
    /// <summary>The object of the extension.</summary>
    public GodotObject Object { get; }
    private VSekaiTask(GodotObject found) => Object = found;
    internal static VSekaiTask Of(GodotObject found) => found == null ? null : new VSekaiTask(found);
    internal static VSekaiTask[] All(Godot.Collections.Array found) =>
        found.Select(one => Of(one.AsGodotObject())).ToArray();
    /// <summary>Waits for its end, if it has not ended, and returns whether it ended well.</summary>
    public async Task<bool> Wait() => IsFinished ? IsOk : (await Object.ToSignal(Object, "finished"))[0].AsBool();

    /// <summary>OK if it was started.</summary>
    public Error Error { get => (Error)Object.Get("error").AsInt64(); }
    /// <summary>Why it has not ended well, also after a pause, a cancellation or a refusal.</summary>
    public VSekaiFailure Failure { get => VSekaiFailure.Of(Object.Get("failure").AsGodotObject()); }
    /// <summary>Whether it has ended</summary>
    public bool IsFinished { get => Object.Get("is_finished").AsBool(); }
    /// <summary>Whether it has ended well.</summary>
    public bool IsOk { get => Object.Get("is_ok").AsBool(); }
    /// <summary>What was asked for.</summary>
    public VSekaiOperation Operation { get => (VSekaiOperation)Object.Get("operation").AsInt64(); }
    /// <summary>How far it is.</summary>
    public VSekaiProgress Progress { get => VSekaiProgress.Of(Object.Get("progress").AsGodotObject()); }
    /// <summary>Stops this operation, and no other.</summary>
    public Error Cancel() => (Error)Object.Call("cancel").AsInt64();
    /// <summary>It has ended; emitted exactly once, and never during the call that has returned the task.</summary>
    public VSekaiConnection OnFinished(Action<bool> call) => new VSekaiConnection(Object, "finished", Callable.From<Variant>((value0) => call(value0.AsBool())));
}

/// <summary>Why an operation failed, was stopped or was refused</summary>
public sealed class VSekaiFailure
{
    /// <summary>The object of the extension.</summary>
    public GodotObject Object { get; }
    private VSekaiFailure(GodotObject found) => Object = found;
    internal static VSekaiFailure Of(GodotObject found) => found == null ? null : new VSekaiFailure(found);
    internal static VSekaiFailure[] All(Godot.Collections.Array found) =>
        found.Select(one => Of(one.AsGodotObject())).ToArray();

    /// <summary>The same as a text that never changes, such as offline, for translations and logs.</summary>
    public string Code { get => Object.Get("code").AsString(); }
    /// <summary>Lines to copy into a bug report</summary>
    public string Details { get => Object.Get("details").AsString(); }
    /// <summary>What to do about it, for you and your log</summary>
    public string Hint { get => Object.Get("hint").AsString(); }
    /// <summary>What has happened, one of VSekaiFailure.Kind, such as VSekaiFailure.Kind.OFFLINE</summary>
    public VSekaiFailureKind Kind { get => (VSekaiFailureKind)Object.Get("kind").AsInt64(); }
    /// <summary>What went wrong, for you and your log</summary>
    public string Message { get => Object.Get("message").AsString(); }
    /// <summary>The operation that failed or was stopped, one of VSekaiUpdater.Operation.</summary>
    public VSekaiOperation Operation { get => (VSekaiOperation)Object.Get("operation").AsInt64(); }
    /// <summary>The text to show to players</summary>
    public string PlayerText { get => Object.Get("player_text").AsString(); }
}

public enum VSekaiFailureKind { Internal = 0, Unavailable = 1, ArchiveMalformed = 2, BundleMalformed = 3, Busy = 4, Cancelled = 5, CatalogMalformed = 6, ChunkCorrupt = 7, ChunkMalformed = 8, ChunkMissing = 9, ClockWentBack = 10, ConfigMalformed = 11, Damaged = 12, DestinationNotOurs = 13, DiskFull = 14, FileTableMalformed = 15, ForeignConflict = 16, HttpFailed = 17, IndexMalformed = 18, InvalidArgument = 19, IoFailed = 20, KeyMissing = 21, LaunchFailed = 22, LauncherTooOld = 23, LintFailed = 24, MetadataExpired = 25, MetadataMalformed = 26, MetadataRollback = 27, ModeCycle = 28, ModeRetired = 29, ModeUnknown = 30, NewsMalformed = 31, NoBuildForPlatform = 32, NoPreviousVersion = 33, NotFound = 34, NotInstalled = 35, Offline = 36, OtherOwner = 37, PackageManaged = 38, PassphraseMissing = 39, PassphraseWrong = 40, PermissionDenied = 41, PreparationMalformed = 42, PreparationStale = 43, ReadOnly = 44, ReceiptMalformed = 45, ReleaseMalformed = 46, RepositoryMissing = 47, ServerRefused = 48, SignatureExpired = 49, SignatureInvalid = 50, SignerFailed = 51, StateMalformed = 52, StateTooNew = 53, TargetMismatch = 54, TargetNotSigned = 55, TimedOut = 56, TlsFailed = 57, TrustRootInvalid = 58, Unauthorized = 59, UnsafePath = 60, Unsupported = 61, VersionExists = 62, VersionInvalid = 63, VersionTooOld = 64, VersionUnknown = 65 }

/// <summary>One launcher for each install</summary>
public sealed class VSekaiInstance
{
    /// <summary>The object of the extension.</summary>
    public GodotObject Object { get; }
    private VSekaiInstance(GodotObject found) => Object = found;
    internal static VSekaiInstance Of(GodotObject found) => found == null ? null : new VSekaiInstance(found);
    internal static VSekaiInstance[] All(Godot.Collections.Array found) =>
        found.Select(one => Of(one.AsGodotObject())).ToArray();

    /// <summary>Says whether this launcher does what was asked for.</summary>
    public void Answer(bool isTaken) => Object.Call("answer", isTaken);
    /// <summary>Hands arguments to the launcher of the install in directory, if one is running.</summary>
    public static VSekaiInstanceResponse CallOther(string folder, string directory, string[] arguments, long longestMsec = 3000) => (VSekaiInstanceResponse)ClassDB.ClassCallStatic("VSekaiInstance", "call_other", folder, directory, arguments ?? Array.Empty<string>(), longestMsec).AsInt64();
    /// <summary>Becomes the launcher of the install in directory, which need not exist yet, for as long as the object is kept.</summary>
    public static VSekaiInstance Claim(string folder, string directory) => VSekaiInstance.Of(ClassDB.ClassCallStatic("VSekaiInstance", "claim", folder, directory).AsGodotObject());
    /// <summary>The arguments of the launcher that waits.</summary>
    public string[] GetArguments() => Object.Call("get_arguments").AsStringArray();
    /// <summary>Whether a later launcher waits for an answer; then get_arguments is what it was started with.</summary>
    public bool Take() => Object.Call("take").AsBool();
    /// <summary>A later launcher was started with these arguments, and waits until answer says whether this one does what was asked for.</summary>
    public VSekaiConnection OnCalled(Action<string[]> call) => new VSekaiConnection(Object, "called", Callable.From<Variant>((value0) => call(value0.AsStringArray())));
}

public enum VSekaiInstanceResponse { NotRunning = 0, Accepted = 1, Declined = 2, TimedOut = 3 }

/// <summary>A mode</summary>
public sealed class VSekaiMode
{
    /// <summary>The object of the extension.</summary>
    public GodotObject Object { get; }
    private VSekaiMode(GodotObject found) => Object = found;
    internal static VSekaiMode Of(GodotObject found) => found == null ? null : new VSekaiMode(found);
    internal static VSekaiMode[] All(Godot.Collections.Array found) =>
        found.Select(one => Of(one.AsGodotObject())).ToArray();

    /// <summary>Whether the publisher asks players who agree if new versions start</summary>
    public bool AsksForReports { get => Object.Get("asks_for_reports").AsBool(); }
    /// <summary>The publisher's description, one sentence; may be empty.</summary>
    public string Description { get => Object.Get("description").AsString(); }
    /// <summary>Whether the publisher still maintains it.</summary>
    public bool IsActive { get => Object.Get("is_active").AsBool(); }
    /// <summary>Whether the install follows it.</summary>
    public bool IsCurrent { get => Object.Get("is_current").AsBool(); }
    /// <summary>The name, such as stable.</summary>
    public string Name { get => Object.Get("name").AsString(); }
    /// <summary>The newest version for this platform; empty if there is none.</summary>
    public string Newest { get => Object.Get("newest").AsString(); }
    /// <summary>The mode that replaces this one; empty if there is none.</summary>
    public string UpdateTo { get => Object.Get("update_to").AsString(); }
}

/// <summary>One item of the news of the followed mode.</summary>
public sealed class VSekaiNews
{
    /// <summary>The object of the extension.</summary>
    public GodotObject Object { get; }
    private VSekaiNews(GodotObject found) => Object = found;
    internal static VSekaiNews Of(GodotObject found) => found == null ? null : new VSekaiNews(found);
    internal static VSekaiNews[] All(Godot.Collections.Array found) =>
        found.Select(one => Of(one.AsGodotObject())).ToArray();

    /// <summary>The publisher's name for it; no other item of the mode has the same.</summary>
    public string Id { get => Object.Get("id").AsString(); }
    /// <summary>The language of title and text, such as pt-BR.</summary>
    public string Language { get => Object.Get("language").AsString(); }
    /// <summary>The web page that it leads to, an address with https; empty if there is none.</summary>
    public string Link { get => Object.Get("link").AsString(); }
    /// <summary>The host of link, to show where it leads.</summary>
    public string LinkHost { get => Object.Get("link_host").AsString(); }
    /// <summary>The file of its picture, a PNG or WebP with sides of at most 2048 pixels and at most 512 KiB, verified; empty if there is none, or it has not been downloaded.</summary>
    public string PicturePath { get => Object.Get("picture_path").AsString(); }
    /// <summary>When it was published, in seconds since 1970.</summary>
    public long PublishedAt { get => Object.Get("published_at").AsInt64(); }
    /// <summary>A few sentences of plain text, at most 500 characters.</summary>
    public string Text { get => Object.Get("text").AsString(); }
    /// <summary>The title</summary>
    public string Title { get => Object.Get("title").AsString(); }
}

/// <summary>The release notes of one version.</summary>
public sealed class VSekaiNotes
{
    /// <summary>The object of the extension.</summary>
    public GodotObject Object { get; }
    private VSekaiNotes(GodotObject found) => Object = found;
    internal static VSekaiNotes Of(GodotObject found) => found == null ? null : new VSekaiNotes(found);
    internal static VSekaiNotes[] All(Godot.Collections.Array found) =>
        found.Select(one => Of(one.AsGodotObject())).ToArray();

    /// <summary>It is the installed version.</summary>
    public bool IsCurrent { get => Object.Get("is_current").AsBool(); }
    /// <summary>It is higher than the installed version.</summary>
    public bool IsNew { get => Object.Get("is_new").AsBool(); }
    /// <summary>The mode that offers the version.</summary>
    public string Mode { get => Object.Get("mode").AsString(); }
    /// <summary>The release notes, in Markdown; may be empty.</summary>
    public string Notes { get => Object.Get("notes").AsString(); }
    /// <summary>Time of publication, in seconds since 1970; 0 if unknown.</summary>
    public long PublishedAt { get => Object.Get("published_at").AsInt64(); }
    /// <summary>The version, such as 1.2.0.</summary>
    public string Version { get => Object.Get("version").AsString(); }
}

/// <summary>What an update will do, in numbers, before it does anything</summary>
public sealed class VSekaiPlan
{
    /// <summary>The object of the extension.</summary>
    public GodotObject Object { get; }
    private VSekaiPlan(GodotObject found) => Object = found;
    internal static VSekaiPlan Of(GodotObject found) => found == null ? null : new VSekaiPlan(found);
    internal static VSekaiPlan[] All(Godot.Collections.Array found) =>
        found.Select(one => Of(one.AsGodotObject())).ToArray();

    /// <summary>Bytes to download.</summary>
    public long DownloadBytes { get => Object.Get("download_bytes").AsInt64(); }
    /// <summary>Bytes that need no download any more, because an interrupted run of this update has them</summary>
    public long EarlierBytes { get => Object.Get("earlier_bytes").AsInt64(); }
    /// <summary>Free disk space, in bytes; -1 if unknown.</summary>
    public long FreeBytes { get => Object.Get("free_bytes").AsInt64(); }
    /// <summary>The version is lower than the installed one.</summary>
    public bool IsDowngrade { get => Object.Get("is_downgrade").AsBool(); }
    /// <summary>Nothing is installed yet.</summary>
    public bool IsFirstInstall { get => Object.Get("is_first_install").AsBool(); }
    /// <summary>The update resumes an interrupted one.</summary>
    public bool IsResume { get => Object.Get("is_resume").AsBool(); }
    /// <summary>Disk space needed during the update, in bytes, in addition to the installed version.</summary>
    public long NeededBytes { get => Object.Get("needed_bytes").AsInt64(); }
    /// <summary>Number of requests to servers; 0 if nothing has to be downloaded.</summary>
    public long Requests { get => Object.Get("requests").AsInt64(); }
    /// <summary>Bytes that need no download, because the installed version, an interrupted update or a shared cache has them.</summary>
    public long ReusedBytes { get => Object.Get("reused_bytes").AsInt64(); }
    /// <summary>The version that will be installed.</summary>
    public string Version { get => Object.Get("version").AsString(); }
    /// <summary>Bytes to write to disk.</summary>
    public long WrittenBytes { get => Object.Get("written_bytes").AsInt64(); }
}

/// <summary>How far an operation is, at one moment.</summary>
public sealed class VSekaiProgress
{
    /// <summary>The object of the extension.</summary>
    public GodotObject Object { get; }
    private VSekaiProgress(GodotObject found) => Object = found;
    internal static VSekaiProgress Of(GodotObject found) => found == null ? null : new VSekaiProgress(found);
    internal static VSekaiProgress[] All(Godot.Collections.Array found) =>
        found.Select(one => Of(one.AsGodotObject())).ToArray();

    /// <summary>The rate of the last seconds; 0 while unknown.</summary>
    public double BytesPerSecond { get => Object.Get("bytes_per_second").AsDouble(); }
    /// <summary>Bytes of content that are done in this phase.</summary>
    public long DoneBytes { get => Object.Get("done_bytes").AsInt64(); }
    /// <summary>All bytes of the download; -1 if nothing is downloaded, or the size is unknown.</summary>
    public long DownloadBytes { get => Object.Get("download_bytes").AsInt64(); }
    /// <summary>How much of the whole operation is done, from 0 to 1, for a progress bar.</summary>
    public double Fraction { get => Object.Get("fraction").AsDouble(); }
    /// <summary>Whether a part of the download is still to come.</summary>
    public bool IsDownloading { get => Object.Get("is_downloading").AsBool(); }
    /// <summary>What is being done.</summary>
    public VSekaiProgressPhase Phase { get => (VSekaiProgressPhase)Object.Get("phase").AsInt64(); }
    /// <summary>How much of the phase is done, from 0 to 1.</summary>
    public double PhaseFraction { get => Object.Get("phase_fraction").AsDouble(); }
    /// <summary>Bytes that were downloaded, or read from a repository that is a folder, counted as they arrive.</summary>
    public long ReceivedBytes { get => Object.Get("received_bytes").AsInt64(); }
    /// <summary>At this rate; -1 while unknown.</summary>
    public double SecondsLeft { get => Object.Get("seconds_left").AsDouble(); }
    /// <summary>All bytes of content of this phase.</summary>
    public long TotalBytes { get => Object.Get("total_bytes").AsInt64(); }
}

public enum VSekaiProgressPhase { Reading = 0, Building = 1, Verifying = 2, Moving = 3 }

/// <summary>A version found by a check.</summary>
public sealed class VSekaiRelease
{
    /// <summary>The object of the extension.</summary>
    public GodotObject Object { get; }
    private VSekaiRelease(GodotObject found) => Object = found;
    internal static VSekaiRelease Of(GodotObject found) => found == null ? null : new VSekaiRelease(found);
    internal static VSekaiRelease[] All(Godot.Collections.Array found) =>
        found.Select(one => Of(one.AsGodotObject())).ToArray();

    /// <summary>The total size of its files, in bytes.</summary>
    public long InstalledBytes { get => Object.Get("installed_bytes").AsInt64(); }
    /// <summary>It is lower than the installed version, which a player should be told before.</summary>
    public bool IsDowngrade { get => Object.Get("is_downgrade").AsBool(); }
    /// <summary>The mode that offers it.</summary>
    public string Mode { get => Object.Get("mode").AsString(); }
    /// <summary>The release notes, in Markdown, as the publisher wrote them.</summary>
    public string Notes { get => Object.Get("notes").AsString(); }
    /// <summary>Why it is offered.</summary>
    public VSekaiReleaseReason Reason { get => (VSekaiReleaseReason)Object.Get("reason").AsInt64(); }
    /// <summary>The version, such as 1.2.0.</summary>
    public string Version { get => Object.Get("version").AsString(); }
}

public enum VSekaiReleaseReason { Install = 0, Newer = 1, Recalled = 2, ModeChanged = 3, Asked = 4, Incomplete = 5 }

/// <summary>The status of an install, as known without network access.</summary>
public sealed class VSekaiStatus
{
    /// <summary>The object of the extension.</summary>
    public GodotObject Object { get; }
    private VSekaiStatus(GodotObject found) => Object = found;
    internal static VSekaiStatus Of(GodotObject found) => found == null ? null : new VSekaiStatus(found);
    internal static VSekaiStatus[] All(Godot.Collections.Array found) =>
        found.Select(one => Of(one.AsGodotObject())).ToArray();

    /// <summary>Versions that failed to start or were rolled back.</summary>
    public string[] BadVersions { get => Object.Get("bad_versions").AsStringArray(); }
    /// <summary>The install folder.</summary>
    public string Directory { get => Object.Get("directory").AsString(); }
    /// <summary>The size of all files in the install folder, in bytes.</summary>
    public long DiskBytes { get => Object.Get("disk_bytes").AsInt64(); }
    /// <summary>The version that VSekaiUpdater.download_update has put beside the current one; empty if there is none.</summary>
    public string DownloadedVersion { get => Object.Get("downloaded_version").AsString(); }
    /// <summary>How often the version on trial was started without showing that it works.</summary>
    public long FailedStarts { get => Object.Get("failed_starts").AsInt64(); }
    /// <summary>A random name that the install was given when it was made</summary>
    public string InstallId { get => Object.Get("install_id").AsString(); }
    /// <summary>Whether a version is installed.</summary>
    public bool IsInstalled { get => Object.Get("is_installed").AsBool(); }
    /// <summary>The install is registered with the desktop</summary>
    public bool IsIntegrated { get => Object.Get("is_integrated").AsBool(); }
    /// <summary>The version is new and has not started successfully yet.</summary>
    public bool IsOnTrial { get => Object.Get("is_on_trial").AsBool(); }
    /// <summary>An update was interrupted; VSekaiUpdater.start_update resumes it.</summary>
    public bool IsResumable { get => Object.Get("is_resumable").AsBool(); }
    /// <summary>The mode that the install follows.</summary>
    public string Mode { get => Object.Get("mode").AsString(); }
    /// <summary>The version that VSekaiUpdater.rollback returns to; empty if there is none.</summary>
    public string PreviousVersion { get => Object.Get("previous_version").AsString(); }
    /// <summary>What VSekaiUpdater.remove_previous would free, in bytes</summary>
    public long RemovableBytes { get => Object.Get("removable_bytes").AsInt64(); }
    /// <summary>The repository and its mirrors.</summary>
    public string[] RepositoryUrls { get => Object.Get("repository_urls").AsStringArray(); }
    /// <summary>A launcher starts when the user logs in</summary>
    public bool StartsAtLogin { get => Object.Get("starts_at_login").AsBool(); }
    /// <summary>The current version; empty if there is none.</summary>
    public string Version { get => Object.Get("version").AsString(); }
}
}
#endif
