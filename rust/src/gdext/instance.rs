//! `VSekaiInstance`: one launcher for each install.

use std::time::{Duration, Instant};

use godot::builtin::{GString, PackedStringArray, Variant};
use godot::classes::{Engine, RefCounted, SceneTree};
use godot::init::is_main_thread;
use godot::obj::{Base, Gd, Singleton};
use godot::register::{GodotClass, godot_api};

use super::convert::{strings, texts};
use super::enums::Response;
use super::files;
use crate::app::instance::{self, Answer, Instance};

/// How often to look for a later launcher, which waits for seconds.
const PAUSE: Duration = Duration::from_millis(200);

/// One launcher for each install: the first one claims it, and a later one hands over what it was started with and quits.
///
/// This is about launchers. For the running game, see [method VSekaiUpdater.is_game_running] and
/// [signal VSekaiUpdater.game_exited].
/// ```gdscript
/// extends Node
///
/// var instance: VSekaiInstance
///
///
/// func _ready() -> void:
///     var game := "/srv/games/mygame"
///     var answer := VSekaiInstance.call_other("user://instances", game, OS.get_cmdline_user_args())
///     if answer == VSekaiInstance.Response.ACCEPTED:
///         get_tree().quit()
///     else:
///         instance = VSekaiInstance.claim("user://instances", game)
///         if instance != null:
///             instance.called.connect(_on_called)
///
///
/// func _on_called(arguments: PackedStringArray) -> void:
///     print("Started once more, with ", arguments)
///     get_window().grab_focus()
///     instance.answer(true)
/// ```
#[derive(Debug, GodotClass)]
#[class(no_init, base=RefCounted)]
pub(crate) struct VSekaiInstance {
    instance: Instance,
    arguments: Vec<String>,
    looked: Instant,
    base: Base<RefCounted>,
}

#[godot_api]
impl VSekaiInstance {
    /// A later launcher was started with these arguments, and waits until [method answer] says whether this one does what was
    /// asked for. Looked for a few times a second, once something is connected: use either this or [method take].
    #[signal]
    fn called(arguments: PackedStringArray);

    /// Becomes the launcher of the install in [param directory], which need not exist yet, for as long as the object is
    /// kept. Returns `null` if another launcher is that, or if the disk refuses. [param folder] belongs to the user, such
    /// as `user://instances`, and is the same for all launchers of the product.
    #[func]
    fn claim(folder: GString, directory: GString) -> Option<Gd<Self>> {
        let claimed = Instance::claim(&files::system_path(&folder), &files::system_path(&directory));
        let instance = claimed.ok().flatten()?;
        let claimed = Gd::from_init_fn(|base| Self { instance, arguments: Vec::new(), looked: Instant::now(), base });
        listen(&claimed);
        Some(claimed)
    }

    /// Hands [param arguments] to the launcher of the install in [param directory], if one is running. Blocks until it has
    /// answered, for at most [param longest_msec]. A disk that refuses counts as nobody.
    #[func]
    fn call_other(
        folder: GString,
        directory: GString,
        arguments: PackedStringArray,
        #[opt(default = 3000)] longest_msec: i64,
    ) -> Response {
        let longest = Duration::from_millis(u64::try_from(longest_msec).unwrap_or(0));
        let (folder, directory) = (files::system_path(&folder), files::system_path(&directory));
        instance::call(&folder, &directory, &strings(&arguments), longest).unwrap_or(Answer::Nobody).into()
    }

    /// Whether a later launcher waits for an answer; then [method get_arguments] is what it was started with. For those who
    /// look themselves, instead of connecting [signal called].
    #[func]
    fn take(&mut self) -> bool {
        let taken = self.instance.take();
        let is_there = taken.is_some();
        self.arguments = taken.unwrap_or_default();
        is_there
    }

    /// The arguments of the launcher that waits.
    #[func]
    fn get_arguments(&self) -> PackedStringArray {
        texts(self.arguments.iter().cloned())
    }

    /// Says whether this launcher does what was asked for. The other one quits then.
    #[func]
    fn answer(&mut self, is_taken: bool) {
        self.instance.answer(is_taken);
    }
}

/// Looks once a frame, if it is time. The engine cuts the connection when the object is freed.
fn listen(instance: &Gd<VSekaiInstance>) {
    let tree = if is_main_thread() { Engine::singleton().get_main_loop() } else { None };
    let Some(mut tree) = tree.and_then(|tree| tree.try_cast::<SceneTree>().ok()) else { return };
    let id = instance.instance_id();
    let look = instance.linked_callable("VSekaiInstance", move |_: &[&Variant]| {
        if let Ok(instance) = Gd::<VSekaiInstance>::try_from_instance_id(id) {
            look(instance);
        }
    });
    tree.connect("process_frame", &look);
}

/// While a handler runs, nothing of the object is borrowed.
fn look(mut instance: Gd<VSekaiInstance>) {
    if !instance.has_connections("called") || instance.bind().looked.elapsed() < PAUSE {
        return;
    }
    instance.bind_mut().looked = Instant::now();
    if instance.bind_mut().take() {
        let arguments = instance.bind().get_arguments();
        instance.signals().called().emit(&arguments);
    }
}
