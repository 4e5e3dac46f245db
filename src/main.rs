//! doors
fn main(){}
