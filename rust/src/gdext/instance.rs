//! `VSekaiInstance`: one launcher for each install.

use std::time::Duration;

use godot::builtin::{GString, PackedStringArray};
use godot::obj::Gd;
use godot::register::{GodotClass, godot_api};

use super::convert::{strings, texts};
use super::enums::CallAnswer;
use super::files;
use crate::app::instance::{self, Answer, Instance};

/// One launcher for each install: the first one claims it, and a later one hands over what it was started with and quits.
/// ```gdscript
/// extends Node
///
/// var instance: VSekaiInstance
///
///
/// func _ready() -> void:
///     var game := "/srv/games/mygame"
///     var answer := VSekaiInstance.call_other("user://instances", game, OS.get_cmdline_user_args())
///     if answer == VSekaiUpdater.CallAnswer.ACCEPTED:
///         get_tree().quit()
///     else:
///         instance = VSekaiInstance.claim("user://instances", game)
///
///
/// func _process(_delta: float) -> void:
///     if instance != null and instance.take():
///         print("Started once more, with ", instance.get_arguments())
///         get_window().grab_focus()
///         instance.answer(true)
/// ```
#[derive(Debug, GodotClass)]
#[class(no_init, base=RefCounted)]
pub(crate) struct VSekaiInstance {
    instance: Instance,
    arguments: Vec<String>,
}

#[godot_api]
impl VSekaiInstance {
    /// Becomes the launcher of the install in [param directory], which need not exist yet, for as long as the object is
    /// kept. Returns `null` if another launcher is that, or if the disk refuses. [param folder] belongs to the user, such
    /// as `user://instances`, and is the same for all launchers of the product.
    #[func]
    fn claim(folder: GString, directory: GString) -> Option<Gd<Self>> {
        let claimed = Instance::claim(&files::system_path(&folder), &files::system_path(&directory));
        claimed.ok().flatten().map(|instance| Gd::from_object(Self { instance, arguments: Vec::new() }))
    }

    /// Hands [param arguments] to the launcher of the install in [param directory], if one is running. Blocks until it has
    /// answered, for at most [param longest_msec]. A disk that refuses counts as nobody.
    #[func]
    fn call_other(
        folder: GString,
        directory: GString,
        arguments: PackedStringArray,
        #[opt(default = 3000)] longest_msec: i64,
    ) -> CallAnswer {
        let longest = Duration::from_millis(u64::try_from(longest_msec).unwrap_or(0));
        let (folder, directory) = (files::system_path(&folder), files::system_path(&directory));
        instance::call(&folder, &directory, &strings(&arguments), longest).unwrap_or(Answer::Nobody).into()
    }

    /// Whether a later launcher waits for an answer; then [method get_arguments] is what it was started with.
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
