//! `completions`: what a shell needs to complete our commands, made of the commands themselves.

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use super::{Arguments, Failed, output};

/// How each shell takes it.
pub(super) const HELP: &str = "Print it to where your shell looks, once for each release; a new shell has it.\n\n  \
    bash        drayline completions bash > ~/.local/share/bash-completion/completions/drayline\n  \
    zsh         drayline completions zsh > \"${fpath[1]}/_drayline\"\n  \
    fish        drayline completions fish > ~/.config/fish/completions/drayline.fish\n  \
    powershell  drayline completions powershell >> $PROFILE\n  \
    elvish      drayline completions elvish >> ~/.config/elvish/rc.elv\n\n\
    For this shell alone, in bash or zsh: source <(drayline completions bash)";

pub(super) fn run(shell: Shell) -> Result<(), Failed> {
    let mut script = Vec::new();
    generate(shell, &mut Arguments::command(), "drayline", &mut script);
    output::raw(&script)
}
