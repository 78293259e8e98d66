//! The browser part is built by `make web`; without it the crate still compiles, with no assets.

fn main() {
    println!("cargo::rerun-if-changed=web/dist");
    std::fs::create_dir_all("web/dist").expect("web/ is part of the source tree");
}
