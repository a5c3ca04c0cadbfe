// Rust's std Mutex is a futex of its own, which does not know its owner: its waiter waits for nobody.
use std::io::Write;
use std::sync::Mutex;

extern "C" {
    fn gettid() -> i32;
    fn alarm(seconds: u32) -> u32;
}

static MUTEX: Mutex<i32> = Mutex::new(0);

fn main() {
    unsafe { alarm(120) };
    let _held = MUTEX.lock().unwrap();
    std::thread::spawn(|| {
        println!("idle {} rust", unsafe { gettid() });
        *MUTEX.lock().unwrap() += 1;
    });
    std::thread::sleep(std::time::Duration::from_millis(200));
    println!("ready {}", std::process::id());
    std::io::stdout().flush().unwrap();
    std::io::stdin().read_line(&mut String::new()).unwrap();
}
