//! Starting the game.

use godot::builtin::{GString, PackedStringArray};
use godot::register::godot_api;

use super::{Operation, Started, VSekaiUpdater};
use crate::gdext::convert::strings;
use crate::install::link::LinkAddress;

#[godot_api(secondary)]
impl VSekaiUpdater {
    /// Starts the installed version with these arguments, which follow those of the publisher: [signal launched], then
    /// [signal game_exited] when it has ended. Needs no network. A game and another operation can run at the same
    /// time, but not two games of one node. [param address] is a link of [member url_scheme] for the game to open; empty
    /// for none.
    ///
    /// A new version is on trial until it has started successfully: it creates the file named by the environment
    /// variable `VSEKAI_READY_FILE`, runs for 30 seconds, or exits with 0. Keep the node in the tree that long;
    /// otherwise the start does not count.
    #[func]
    fn launch(
        &mut self,
        #[opt(default = &PackedStringArray::new())] arguments: PackedStringArray,
        #[opt(default = &GString::new())] address: GString,
    ) -> Started {
        let arguments = strings(&arguments).into_iter().map(Into::into).collect();
        let (address, scheme) = (address.to_string(), self.url_scheme.to_string());
        self.begin(
            Operation::Launch,
            move |options, context| {
                let address = (!address.is_empty()).then(|| LinkAddress::parse(&address, &scheme)).transpose()?;
                context.launch(options, arguments, address)
            },
            |node, launched| {
                let (code, is_acknowledged) = (launched.exit_code.map_or(-1, i64::from), launched.is_acknowledged);
                node.tell(move |node| node.signals().game_exited().emit(code, is_acknowledged));
            },
        )
    }
}
