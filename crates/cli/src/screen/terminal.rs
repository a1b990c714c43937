//! How wide the terminal is, if it is one.

use std::io::IsTerminal;
use std::os::fd::AsFd;

/// What a terminal that does not say is taken for.
const COLUMNS_DEFAULT: usize = 80;

/// The columns of a terminal; nothing for a file or a pipe. Asked anew each time, since windows change.
pub(crate) fn columns(output: &(impl IsTerminal + AsFd)) -> Option<usize> {
    if !output.is_terminal() {
        return None;
    }
    let columns = rustix::termios::tcgetwinsize(output).map_or(0, |size| usize::from(size.ws_col));
    Some(if columns == 0 { COLUMNS_DEFAULT } else { columns })
}
