//! Gives the programs for Windows their version, their icon and their manifest: long paths, UTF-8, no administrator.
//! Builds in the repository and the root of trust that whoever makes a release names; see `docs/publishing.md`.

use std::error::Error;
use std::path::{Path, PathBuf};

/// The addresses of the repository and its mirrors, separated by spaces.
const REPOSITORY: &str = "VSEKAI_BUILTIN_REPOSITORY";
/// The absolute path of its `root.json`.
const ROOT: &str = "VSEKAI_BUILTIN_ROOT";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=windows");
    build_in()?;
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("windows") {
        let mut resource = winresource::WindowsResource::new();
        resource.set_icon("windows/vsekai.ico").set_manifest_file("windows/vsekai.manifest");
        resource.set("CompanyName", "V-Sekai").set("ProductName", "V-Sekai updater");
        resource.set("FileDescription", "Installs and updates V-Sekai").set("LegalCopyright", "MIT License");
        resource.compile()?;
    }
    Ok(())
}

/// Nothing by default: then both are empty.
fn build_in() -> Result<(), Box<dyn Error>> {
    let given = |name: &str| {
        println!("cargo:rerun-if-env-changed={name}");
        std::env::var(name).unwrap_or_default()
    };
    let (repository, root) = (given(REPOSITORY), given(ROOT));
    if repository.is_empty() != root.is_empty() {
        return Err(format!("set both {REPOSITORY} and {ROOT}, or neither: one is of no use without the other").into());
    }
    let mut bytes = Vec::new();
    if !root.is_empty() {
        if !Path::new(&root).is_absolute() {
            return Err(format!("{ROOT} must be an absolute path, and is {root}").into());
        }
        println!("cargo:rerun-if-changed={root}");
        bytes = std::fs::read(&root).map_err(|e| format!("{ROOT}: {root}: {e}"))?;
    }
    println!("cargo:rustc-env={REPOSITORY}={repository}");
    std::fs::write(PathBuf::from(std::env::var("OUT_DIR")?).join("root.json"), bytes)?;
    Ok(())
}
