//! The library that Godot loads, from the same compilation as the programs: what `./run demo` and the tests use, since
//! all that it needs is compiled for them anyway. `./run extension` makes the same from the crate alone.

use vsekai_updater as _;
