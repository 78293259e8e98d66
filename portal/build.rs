//! Migrations and the browser part are compiled in: watch both. Without `make web` the portal still
//! compiles, with no assets.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=web/dist");
    std::fs::create_dir_all("web/dist").expect("web/ is part of the source tree");
}
