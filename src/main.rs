//! The program: everything is in the library.

fn main() -> std::process::ExitCode {
    drayline::cli::main()
}
