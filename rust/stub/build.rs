//! Gives the stub for Windows its version, its icon and its manifest: those of `vsekai.exe`.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=../windows");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("windows") {
        let mut resource = winresource::WindowsResource::new();
        resource.set_icon("../windows/vsekai.ico").set_manifest_file("../windows/vsekai.manifest");
        resource.set("CompanyName", "V-Sekai").set("ProductName", "V-Sekai updater");
        resource.set("FileDescription", "Starts V-Sekai").set("LegalCopyright", "MIT License");
        resource.compile()?;
    }
    Ok(())
}
