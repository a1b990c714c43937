//! Finds libtorrent-rasterbar by pkg-config and compiles the bridge with every flag that the library was built with.
//!
//! A define that is left out (`TORRENT_USE_OPENSSL`, an ABI define) changes the layout of structs and crashes at run time,
//! so all of pkg-config's defines reach the compiler.

fn main() {
    let library = match pkg_config::Config::new().atleast_version("2.0.8").probe("libtorrent-rasterbar") {
        Ok(library) => library,
        Err(error) => {
            eprintln!(
                "libtorrent-rasterbar 2.0.8 or newer is needed and pkg-config does not find it.\n\
                 On Debian or Ubuntu: apt-get install libtorrent-rasterbar-dev pkg-config g++\n\n{error}"
            );
            std::process::exit(1);
        }
    };
    let mut build = cxx_build::bridge("src/ffi.rs");
    for (name, value) in &library.defines {
        build.define(name, value.as_deref());
    }
    for path in &library.include_paths {
        build.include(path);
    }
    for source in [
        "confine",
        "create",
        "flat",
        "local_peers",
        "magnet",
        "parse",
        "pump",
        "session",
        "torrent",
        "torrent_file",
    ] {
        build.file(format!("cpp/{source}.cpp"));
    }
    // Warnings would be those of libtorrent's own headers.
    build.std("c++17").warnings(false).compile("revaer-libtorrent");
    println!("cargo:rerun-if-changed=cpp");
    println!("cargo:rerun-if-changed=src/ffi.rs");
}
