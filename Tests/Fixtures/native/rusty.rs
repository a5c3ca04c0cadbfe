// Dies as Rust programs do: rusty [--thread] null|overflow|panic|bounds. Built with panic=abort.
use std::hint::black_box;

#[inline(never)]
fn read_null() {
    let pointer: *const u64 = black_box(std::ptr::null());
    black_box(unsafe { pointer.add(2).read_volatile() });
}

#[inline(never)]
#[allow(unconditional_recursion)]
fn descend(depth: u64) -> u64 {
    let room = black_box([depth; 16]);
    descend(depth + 1) + room[3]
}

#[inline(never)]
fn sell(stock: &[u32], at: usize) -> u32 {
    stock[at]
}

fn die(way: &str) {
    match way {
        "null" => read_null(),
        "overflow" => drop(black_box(descend(0))),
        "panic" => panic!("sold out"),
        "bounds" => drop(black_box(sell(black_box(&[1, 2, 3]), black_box(7)))),
        _ => std::process::exit(64),
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let way = words.last().cloned().unwrap_or_default();
    if words.len() > 1 {
        std::thread::spawn(move || die(&way)).join().unwrap();
    } else {
        die(&way);
    }
}
