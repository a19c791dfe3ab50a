//! Gives the programs for Windows their version, their icon and their manifest: long paths, UTF-8, no administrator.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=windows");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("windows") {
        let mut resource = winresource::WindowsResource::new();
        resource.set_icon("windows/vsekai.ico").set_manifest_file("windows/vsekai.manifest");
        resource.set("CompanyName", "V-Sekai").set("ProductName", "V-Sekai updater");
        resource.set("FileDescription", "Installs and updates V-Sekai").set("LegalCopyright", "MIT License");
        resource.compile()?;
    }
    Ok(())
}
