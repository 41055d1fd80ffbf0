//! The program: everything is in the library.

/// Attempts allocate much and briefly, on all threads: the C library's allocator took a third of a busy worker's time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    drayline::cli::main()
}
