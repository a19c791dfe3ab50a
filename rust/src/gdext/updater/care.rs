//! Operations that look after an install: status, verify, repair, roll back, move, register, remove.

use godot::builtin::{GString, PackedByteArray, Variant};
use godot::classes::RefCounted;
use godot::meta::ToGodot;
use godot::obj::Gd;
use godot::register::godot_api;

use super::pump::{damaged_bytes, damaged_files};
use super::refusals::{Refusal, refuse};
use super::{Operation, Started, State, VSekaiUpdater, is_started};
use crate::app::host::{self, Brand};
use crate::app::updater::Desktop;
use crate::gdext::convert::{int, text, texts};
use crate::gdext::other_thread::is_elsewhere;
use crate::gdext::values::VSekaiStatus;
use crate::gdext::{files, project_settings};
use crate::install::integrate::{Links, Opens, Record};
use crate::install::{InstallRoot, removable_bytes, used_bytes};

/// Width and height of the icon for the desktop, in pixels.
const ICON_SIZE: i64 = 256;

#[godot_api(secondary)]
impl VSekaiUpdater {
    /// Reads the status of the install, without network access: [signal status_read].
    #[func]
    fn read_status(&mut self) -> Started {
        self.begin(
            Operation::ReadStatus,
            |options, context| {
                let root = InstallRoot::at(&options.directory);
                let status = context.status(options)?;
                Ok((status, root.map_or((0, 0), |root| (used_bytes(&root), removable_bytes(&root)))))
            },
            |node, (status, (disk, removable))| node.status_known(VSekaiStatus::of(&status, disk, removable)),
        )
    }

    /// Compares all files of the installed version, and of the one to go back to, with what was published:
    /// [signal verify_completed].
    #[func]
    fn verify(&mut self) -> Started {
        let answer = self.begin(
            Operation::Verify,
            |options, context| context.updater(options)?.verify(&context.monitor),
            |node, verified| {
                let damaged = texts(damaged_files(&verified));
                let (kept, bytes) = (damaged.clone(), damaged_bytes(&verified));
                let keep = move |node: &mut Self| {
                    node.damaged_files = kept;
                    node.damaged_bytes = bytes;
                    true
                };
                node.tell_after(keep, move |node| node.signals().verify_completed().emit(&damaged));
            },
        );
        if is_started(answer.as_ref()) {
            self.damaged_files.clear();
            self.damaged_bytes = 0;
        }
        answer
    }

    /// Repairs the installed version and the one to go back to: [signal repair_completed]. Downloads only what neither of
    /// them has.
    #[func]
    fn repair(&mut self) -> Started {
        self.begin(
            Operation::Repair,
            |options, context| context.updater(options)?.repair(&context.monitor),
            |node, found| {
                let count = int(damaged_files(&found).len() as u64);
                node.tell_state(State::Idle);
                let forget = |node: &mut Self| {
                    node.damaged_files.clear();
                    node.damaged_bytes = 0;
                    true
                };
                node.tell_after(forget, move |node| node.signals().repair_completed().emit(count));
            },
        )
    }

    /// Returns to the previous version, repairing it first if it is damaged: [signal rolled_back]. The version that is left
    /// is not offered again.
    #[func]
    fn rollback(&mut self) -> Started {
        self.begin(
            Operation::Rollback,
            |options, context| context.updater(options)?.roll_back(&context.monitor),
            |node, current| {
                let version = text(&current.version.to_string());
                node.tell_state(State::Idle);
                node.tell_after(Self::forget_release, move |node| node.signals().rolled_back().emit(&version));
            },
        )
    }

    /// Removes the version that [method rollback] returns to, which frees its space: [signal previous_removed]. Fails while
    /// the current version is on trial.
    #[func]
    fn remove_previous(&mut self) -> Started {
        self.begin(
            Operation::RemovePrevious,
            |options, context| context.updater(options)?.remove_previous(&context.monitor),
            |node, removed| {
                let freed = int(removed.freed_bytes);
                node.tell(move |node| node.signals().previous_removed().emit(freed));
            },
        )
    }

    /// Registers the install with the user's desktop: [signal integrated]. Adds a menu entry with
    /// [member display_name] and [member icon], and, if [member url_scheme] is set, makes the game open those links unless
    /// another program does. The menu entry opens this program; if it is gone, it looks for an update for at most three
    /// seconds and starts the game. A link always starts the game. Can be repeated, which brings the entries up to date.
    #[func]
    fn integrate(&mut self) -> Started {
        if is_elsewhere("integrate") {
            return None;
        }
        if let Some(refusal) = self.unusable_icon() {
            return refuse(Operation::Integrate, &refusal);
        }
        let (brand, links, opens) = (self.brand(), self.links(), opens());
        self.begin(
            Operation::Integrate,
            move |options, context| {
                let desktop = Desktop { opens, ..host::desktop(&brand, links)? };
                context.updater(options)?.integrate(&desktop, &context.monitor).map(drop)
            },
            |node, ()| node.tell(|node| node.signals().integrated().emit()),
        )
    }

    /// Reverts [method integrate]: [signal unintegrated].
    #[func]
    fn unintegrate(&mut self) -> Started {
        self.begin(
            Operation::Unintegrate,
            |options, context| context.updater(options)?.unintegrate(&context.monitor).map(drop),
            |node, ()| node.tell(|node| node.signals().unintegrated().emit()),
        )
    }

    /// Starts this launcher when the user logs in, with the argument `login`, or no longer: [signal login_changed]. The
    /// install remembers it, so that [method uninstall] undoes it. A launcher that is installed like a game asks the node
    /// of its own install.
    #[func]
    fn start_at_login(&mut self, is_wanted: bool) -> Started {
        if is_elsewhere("start_at_login") {
            return None;
        }
        if let Some(refusal) = self.unusable_icon() {
            return refuse(Operation::StartAtLogin, &refusal);
        }
        let (brand, launcher) = (self.brand(), host::this_launcher());
        self.begin(
            Operation::StartAtLogin,
            move |options, context| {
                let desktop = Desktop { opens: launcher, ..host::desktop(&brand, Links::Never)? };
                context.updater(options)?.start_at_login(&desktop, is_wanted, &context.monitor)
            },
            |node, ()| node.tell(|node| node.signals().login_changed().emit()),
        )
    }

    /// Removes the install: [signal uninstalled]. Files that were not installed are kept.
    #[func]
    fn uninstall(&mut self) -> Started {
        self.begin(
            Operation::Uninstall,
            |options, context| context.updater(options)?.uninstall(&context.monitor).map(drop),
            |node, ()| {
                node.tell_state(State::Idle);
                node.tell_after(Self::forget_release, |node| node.signals().uninstalled().emit());
            },
        )
    }

    /// Moves the install to another folder, also on another disk: [signal install_moved]. The folder must be empty, or not
    /// exist yet; [method inspect_folder] says so beforehand. Until everything is there, the install stays where it is
    /// and can be played. A move that was stopped continues when it is asked for again. Menu entry and links follow.
    #[func]
    fn move_install(&mut self, directory: GString) -> Started {
        if is_elsewhere("move_install") {
            return None;
        }
        let to = files::system_path(&directory);
        if !to.is_absolute() || files::is_in_project(&directory) {
            let hint = "Pass a folder outside of res://, as an absolute path or in user://.";
            return refuse(Operation::MoveInstall, &Refusal::invalid("the game cannot be moved there", hint));
        }
        if let Some(refusal) = self.unusable_icon() {
            return refuse(Operation::MoveInstall, &refusal);
        }
        let (brand, links, opens) = (self.brand(), self.links(), opens());
        self.begin(
            Operation::MoveInstall,
            move |options, context| {
                let desktop = |record: &Record| {
                    let links = if record.has_scheme { links } else { Links::Never };
                    Ok(Desktop { opens: opens.clone(), ..host::desktop(&brand, links)? })
                };
                context.updater(options)?.move_install(&to, &desktop, &context.monitor)
            },
            |node, moved| {
                let directory = text(&moved.directory.to_string_lossy());
                let there = directory.clone();
                let follow = move |node: &mut Self| {
                    node.install_dir = there;
                    true
                };
                node.tell_after(follow, move |node| node.signals().install_moved().emit(&directory));
            },
        )
    }
}

/// What a menu entry opens: this program if it is exported. In a project, it is the engine.
fn opens() -> Opens {
    if project_settings::is_exported() { host::this_launcher() } else { Opens::Game }
}

impl VSekaiUpdater {
    fn links(&self) -> Links {
        if self.handles_links && !self.url_scheme.is_empty() { Links::IfFree } else { Links::Never }
    }

    /// What the properties leave out comes from the project.
    fn brand(&self) -> Brand {
        let mut display_name = self.display_name.to_string();
        if display_name.is_empty() {
            display_name = project_settings::name();
        }
        let mut app_id_prefix = self.app_id.to_string();
        if app_id_prefix.is_empty() {
            app_id_prefix = Brand::app_id_prefix_of(&display_name);
        }
        let icon_png256 = self.icon_png();
        Brand { display_name, scheme: self.url_scheme.to_string(), app_id_prefix, icon_svg: None, icon_png256 }
    }

    /// A script may set any resource: the class of pictures is not among those that are compiled in.
    fn unusable_icon(&self) -> Option<Refusal> {
        let icon = self.icon.0.as_ref().filter(|icon| !icon.is_class("Texture2D"))?;
        Some(Refusal::invalid(format!("icon is a {}", icon.get_class()), "Set it to a Texture2D."))
    }

    /// The icon as PNG, by reflection: the engine's classes of pictures are not among those that are compiled in. `None`
    /// if there is none, or its picture cannot be had.
    fn icon_png(&self) -> Option<Vec<u8>> {
        let mut texture = self.icon.0.clone().or_else(project_settings::icon)?;
        let mut image = texture.call("get_image", &[]).try_to::<Gd<RefCounted>>().ok()?;
        if image.call("is_compressed", &[]).booleanize() {
            image.call("decompress", &[]);
        }
        let size: [Variant; 2] = [ICON_SIZE.to_variant(), ICON_SIZE.to_variant()];
        image.call("resize", &size);
        let png = image.call("save_png_to_buffer", &[]).try_to::<PackedByteArray>().ok()?;
        (!png.is_empty()).then(|| png.to_vec())
    }
}
