//! The directory of the file before, which is mostly that of the next one too.

use crate::dir::Dir;
use crate::failure::Failure;
use crate::path::RelPath;

/// Opens the directories of files that come in the order of their paths, each once.
pub(crate) struct Parents<'a> {
    from: &'a Dir,
    last: Option<(String, Dir)>,
}

impl<'a> Parents<'a> {
    pub(crate) fn new(from: &'a Dir) -> Self {
        Self { from, last: None }
    }

    /// The directory of a file, which has to be there.
    pub(crate) fn of<'b>(&'b mut self, path: &'b RelPath) -> Result<(&'b Dir, &'b str), Failure> {
        self.find(path, |from, parent| from.open_dir(parent.as_str()))
    }

    /// The directory of a file, which is made if need be.
    pub(crate) fn make<'b>(
        &'b mut self,
        path: &'b RelPath,
        mode: u32,
    ) -> Result<(&'b Dir, &'b str), Failure> {
        self.find(path, |from, parent| from.make_dirs(parent, mode))
    }

    fn find<'b>(
        &'b mut self,
        path: &'b RelPath,
        open: impl FnOnce(&Dir, &RelPath) -> Result<Dir, Failure>,
    ) -> Result<(&'b Dir, &'b str), Failure> {
        let Some((parent, name)) = path.as_str().rsplit_once('/') else {
            return Ok((self.from, path.as_str()));
        };
        if self.last.as_ref().is_none_or(|(last, _)| last != parent) {
            let dir = open(self.from, &path.parent().expect("it has a slash"))?;
            self.last = Some((parent.to_owned(), dir));
        }
        Ok((&self.last.as_ref().expect("it was just set").1, name))
    }
}
