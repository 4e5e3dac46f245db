//! A conversation over TCP within the container: numbers that come back.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// Says `ready`, then each number that has been there and back, for ever.
pub fn converse() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listen");
    let address = listener.local_addr().expect("an address");
    let mut near = TcpStream::connect(address).expect("connect");
    let (mut far, _) = listener.accept().expect("accept");
    println!("ready");
    for number in 1u32.. {
        near.write_all(&number.to_be_bytes()).expect("send");
        let mut bytes = [0; 4];
        far.read_exact(&mut bytes).expect("receive");
        println!("{}", u32::from_be_bytes(bytes));
        std::thread::sleep(Duration::from_millis(100));
    }
}
