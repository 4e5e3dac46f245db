//! The names of units (runc's docs/systemd.md, "Systemd unit name and
//! placement"; systemd.slice(5)).

use alloc::string::String;

use crate::cut;
use crate::error::{Error, Result};
use crate::text;
use crate::text::keep;

const SLICE: &str = ".slice";

/// A container's unit and where it is.
#[derive(Debug, PartialEq, Eq)]
pub struct Names {
    /// The slice that it is in.
    pub slice: &'static str,
    /// The unit: `PREFIX-NAME.scope`, or a slice.
    pub unit: &'static str,
    /// The last part of `slice:prefix:name`.
    pub name: &'static str,
    /// The unit's cgroup, from systemd's own on.
    pub path: &'static str,
}

impl Names {
    /// From `slice:prefix:name`, which is `:runc:ID` where it is not set. An
    /// empty slice is `system.slice`, or `user.slice` of a user's systemd.
    ///
    /// # Errors
    /// It has not three parts, or one of them is no name.
    pub fn new(cgroups_path: Option<&str>, id: &str, user: bool) -> Result<Names> {
        let mut parts = ["", "runc", id];
        if let Some(path) = cgroups_path.filter(|path| !path.is_empty()) {
            let mut found = path.split(':');
            parts = [(); 3].map(|()| found.next().unwrap_or("/"));
            if found.next().is_some() || parts[2] == "/" {
                return Err(Error::about(
                    "linux.cgroupsPath: expected cgroupsPath to be of format \"slice:prefix:name\" \
                     for systemd cgroups, got \"{}\" instead",
                    path,
                ));
            }
        }
        let [slice, prefix, name] = parts;
        let name = if name.is_empty() { id } else { name };
        let slice = match slice {
            "" if user => "user.slice",
            "" => "system.slice",
            "-" => "-.slice",
            slice => slice,
        };
        let unit = match name.ends_with(SLICE) {
            true => keep(name),
            false => text::about_both("{}-{}.scope", prefix, name),
        };
        if unit.as_bytes().contains(&b'/') {
            return Err(Error::about("linux.cgroupsPath: invalid unit name: {}", unit));
        }
        let path = match unit.ends_with(SLICE) {
            // A slice's name says where it is.
            true => expand(unit)?,
            false => text::about_both("{}/{}", expand(slice)?, unit),
        };
        Ok(Names { slice: keep(slice), unit, name: keep(name), path })
    }

    /// The unit is a slice.
    pub fn is_slice(&self) -> bool {
        self.unit.ends_with(SLICE)
    }
}

/// A slice's cgroup: `a-b.slice` is in `a.slice`, so `/a.slice/a-b.slice`; that
/// of the root slice is empty.
fn expand(slice: &str) -> Result<&'static str> {
    let invalid = || Error::about("linux.cgroupsPath: invalid slice name: {}", slice);
    let name = slice.strip_suffix(SLICE).ok_or_else(invalid)?;
    let mut path = String::new();
    if name == "-" {
        return Ok("");
    }
    // Neither empty components nor paths.
    if name.split('-').any(str::is_empty) || name.as_bytes().contains(&b'/') {
        return Err(invalid());
    }
    for (end, _) in name.match_indices('-').chain([(name.len(), "")]) {
        path.push('/');
        path.push_str(cut::before(name, end));
        path.push_str(SLICE);
    }
    Ok(path.leak())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;

    #[test]
    fn slices() {
        for (slice, path) in [
            ("system.slice", "/system.slice"),
            ("a-b.slice", "/a.slice/a-b.slice"),
            ("a-b-c.slice", "/a.slice/a-b.slice/a-b-c.slice"),
            ("-.slice", ""),
        ] {
            assert_eq!(expand(slice).unwrap(), path, "{slice}");
        }
        for slice in [
            ".slice",
            "a",
            "a.scope",
            "-a.slice",
            "a-.slice",
            "a--b.slice",
            "a/b.slice",
            "--.slice",
        ] {
            let error = expand(slice).unwrap_err().to_string();
            assert_eq!(error, format!("linux.cgroupsPath: invalid slice name: {slice}"));
        }
    }

    #[test]
    fn units() {
        for (path, user, slice, unit, at) in [
            (None, false, "system.slice", "runc-id.scope", "/system.slice/runc-id.scope"),
            (Some(""), true, "user.slice", "runc-id.scope", "/user.slice/runc-id.scope"),
            (
                Some("a-b.slice:p:n"),
                false,
                "a-b.slice",
                "p-n.scope",
                "/a.slice/a-b.slice/p-n.scope",
            ),
            (Some(":p:n"), false, "system.slice", "p-n.scope", "/system.slice/p-n.scope"),
            (Some(":p:"), false, "system.slice", "p-id.scope", "/system.slice/p-id.scope"),
            (Some("-:p:n"), false, "-.slice", "p-n.scope", "/p-n.scope"),
            (Some("a.slice:p:a-n.slice"), false, "a.slice", "a-n.slice", "/a.slice/a-n.slice"),
        ] {
            let names = Names::new(path, "id", user).unwrap();
            let found = (names.slice, names.unit, names.path);
            assert_eq!(found, (slice, unit, at), "{path:?}");
        }
        for (path, why) in [
            ("/some/path", "expected cgroupsPath to be of format \"slice:prefix:name\""),
            ("a.slice:n", "got \"a.slice:n\" instead"),
            ("a.slice:p:n:m", "got \"a.slice:p:n:m\" instead"),
            ("a.slice:p:../n", "invalid unit name: p-../n.scope"),
            ("/:p:n", "invalid slice name: /"),
            ("..:p:n", "invalid slice name: .."),
        ] {
            let error = Names::new(Some(path), "id", false).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
