//! Fields compared across three runtimes.

use super::Fields;
use std::collections::BTreeSet;
use std::fmt;

/// Who stands alone with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// The binary under test; every other that ran agrees.
    Ocinit,
    /// runc.
    Runc,
    /// crun.
    Crun,
    /// Three values.
    Each,
    /// The binary under test or runc: crun did not come so far.
    OcinitOrRunc,
    /// The binary under test or crun: runc did not come so far.
    OcinitOrCrun,
}

impl Who {
    /// From its name in the list.
    pub fn parse(text: &str) -> Option<Who> {
        [Who::Ocinit, Who::Runc, Who::Crun, Who::Each].into_iter().find(|w| w.to_string() == text)
    }

    /// Whether an explanation about `self` covers a difference of `other`: where
    /// only two were compared, nobody can tell which of them is alone.
    pub fn covers(self, other: Who) -> bool {
        match other {
            Who::OcinitOrRunc => self != Who::Crun,
            Who::OcinitOrCrun => self != Who::Runc,
            _ => self == other,
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Who::Ocinit => "ocinit",
            Who::Runc => "runc",
            Who::Crun => "crun",
            Who::Each => "each",
            Who::OcinitOrRunc => "ocinit or runc",
            Who::OcinitOrCrun => "ocinit or crun",
        })
    }
}

/// One field of one bundle in which the runtimes differ.
#[derive(Clone, Debug)]
pub struct Difference {
    /// The bundle's name.
    pub case: String,
    /// The field's name.
    pub field: String,
    /// Who is alone.
    pub who: Who,
    /// The values of ocinit, runc and crun; none where there was no report.
    pub values: [Option<String>; 3],
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} | {} | {} |", self.case, self.field, self.who)?;
        for (name, value) in ["ocinit", "runc", "crun"].iter().zip(&self.values) {
            match value {
                Some(text) if text.is_empty() => write!(f, "\n    {name}: (nothing)")?,
                Some(text) => write!(f, "\n    {name}: {text}")?,
                None => write!(f, "\n    {name}: (did not come so far)")?,
            }
        }
        Ok(())
    }
}

/// All differences of one case, and how many fields were compared.
pub fn compare(case: &str, seen: &[Fields; 3]) -> (usize, Vec<Difference>) {
    let names: BTreeSet<&String> = seen.iter().flat_map(|f| f.keys()).collect();
    let mut found = Vec::new();
    for field in &names {
        // Who did not get so far as to report has no say in what the guest saw.
        let general = ["exit", "hooks", "hooks.poststart", "stdout"].contains(&field.as_str())
            || field.starts_with("left.");
        let values = seen.each_ref().map(|fields| {
            let speaks = general || fields.contains_key("uid");
            speaks.then(|| fields.get(*field).cloned().unwrap_or_default())
        });
        if let Some(who) = alone(&values) {
            found.push(Difference { case: case.into(), field: field.to_string(), who, values });
        }
    }
    (names.len(), found)
}

fn alone(values: &[Option<String>; 3]) -> Option<Who> {
    let [own, runc, crun] = values;
    match (own, runc, crun) {
        (Some(o), Some(r), Some(c)) if o == r && r == c => None,
        (Some(_), Some(r), Some(c)) if r == c => Some(Who::Ocinit),
        (Some(o), Some(_), Some(c)) if o == c => Some(Who::Runc),
        (Some(o), Some(r), Some(_)) if o == r => Some(Who::Crun),
        (Some(_), Some(_), Some(_)) => Some(Who::Each),
        (Some(o), Some(r), None) if o != r => Some(Who::OcinitOrRunc),
        (Some(o), None, Some(c)) if o != c => Some(Who::OcinitOrCrun),
        _ => None,
    }
}
