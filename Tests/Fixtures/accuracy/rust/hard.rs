// hard, in Rust: traits, generics, closures, panics caught, threads. Each scene is a thread that ends in
// `hold`; "ready PID" when all are set.
use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Write};
use std::panic;
use std::sync::mpsc::{channel, Sender};
use std::sync::{Arc, Mutex, Once};
use std::thread;

extern "C" {
    fn pause() -> i32;
    fn alarm(seconds: u32) -> u32;
    fn qsort(base: *mut i32, count: usize, size: usize, compare: extern "C" fn(*const i32, *const i32) -> i32);
}

static SET: Mutex<Option<Sender<()>>> = Mutex::new(None);

#[inline(never)]
fn hold() -> i32 {
    SET.lock().unwrap().as_ref().unwrap().send(()).unwrap();
    loop {
        unsafe { pause() };
    }
}

mod shop {
    pub trait Price {
        fn price(&self, depth: u32) -> i32;
        fn doubled(&self, depth: u32) -> i32 {
            self.price(depth) + self.price(depth)
        }
    }

    pub struct Fixed<T>(pub T);
    pub struct Sum<'a>(pub Vec<Box<dyn Price + 'a>>);

    impl<T: Into<i32> + Copy> Price for Fixed<T> {
        #[inline(never)]
        fn price(&self, depth: u32) -> i32 {
            if depth == 0 {
                return crate::hold();
            }
            self.price(depth - 1) + self.0.into()
        }
    }

    impl Price for Sum<'_> {
        fn price(&self, depth: u32) -> i32 {
            self.0.iter().map(|part| part.doubled(depth)).sum()
        }
    }
}

#[inline(never)]
fn generic<T: fmt::Debug + Clone, const N: usize>(parts: [T; N], call: impl Fn(&T) -> i32) -> i32 {
    let mut sum = 0;
    for part in parts.iter() {
        sum += call(&part.clone());
    }
    sum
}

struct Shown(i32);
impl fmt::Display for Shown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 3 {
            hold();
        }
        write!(formatter, "{}", self.0)
    }
}

struct Dropped(&'static str);
impl Drop for Dropped {
    #[inline(never)]
    fn drop(&mut self) {
        if thread::panicking() {
            hold();
        }
        self.0 = "";
    }
}

extern "C" fn compare(one: *const i32, other: *const i32) -> i32 {
    let (one, other) = unsafe { (*one, *other) };
    if other == 2 {
        hold();
    }
    one - other
}

#[inline(never)]
fn even(left: u32) -> i32 {
    if left == 0 {
        return hold();
    }
    odd(left - 1) + 1
}

#[inline(never)]
fn odd(left: u32) -> i32 {
    even(left - 1) + 2
}

fn scene<F: FnOnce() -> i32 + Send + 'static>(name: &str, set: &std::sync::mpsc::Receiver<()>, body: F) {
    thread::Builder::new()
        .name(name.to_string())
        .spawn(move || {
            let result = body();
            std::process::exit(result)
        })
        .unwrap();
    set.recv().unwrap();
}

fn main() {
    unsafe { alarm(120) };
    panic::set_hook(Box::new(|_| {}));
    let (sender, set) = channel();
    *SET.lock().unwrap() = Some(sender);

    scene("traits", &set, || {
        use shop::*;
        let sum = Sum(vec![Box::new(Fixed(1i16)), Box::new(Sum(vec![Box::new(Fixed(2u8))]))]);
        sum.doubled(3)
    });
    scene("generics", &set, || {
        let offset = 3;
        generic(["a", "b", "c"], |text| {
            let inner = |length: usize| if length == 1 { hold() } else { offset };
            inner(text.len())
        })
    });
    scene("iterators", &set, || {
        (1..10)
            .filter(|number| number % 2 == 1)
            .map(|number| if number == 5 { hold() } else { number })
            .fold(0, |sum, number| sum + number)
    });
    scene("sort", &set, || {
        let mut numbers: Vec<i32> = (0..200).map(|number| number * 7919 % 1000).collect();
        let mut left = 400;
        numbers.sort_by(|one, other| {
            left -= 1;
            if left == 0 {
                hold();
            }
            one.cmp(other)
        });
        numbers[0]
    });
    scene("tree", &set, || {
        let mut tree: BTreeMap<String, Box<dyn Fn(i32) -> i32>> = BTreeMap::new();
        tree.insert("key".to_string(), Box::new(|number| number + hold()));
        tree.iter().map(|(key, value)| value(key.len() as i32)).sum()
    });
    scene("formatting", &set, || format!("{:>9} {}", "text", Shown(3)).len() as i32);
    scene("caught-panic", &set, || {
        let caught = panic::catch_unwind(|| {
            let numbers: Vec<i32> = Vec::new();
            numbers[std::env::args().count() + 3]
        });
        if caught.is_err() {
            hold()
        } else {
            0
        }
    });
    scene("panicking", &set, || {
        let _dropped = Dropped("dropped");
        let text: Option<i32> = std::env::args().nth(99).map(|_| 1);
        text.expect("no such argument")
    });
    scene("once", &set, || {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            hold();
        });
        0
    });
    scene("qsort", &set, || {
        let mut numbers = [3, 2, 1];
        unsafe { qsort(numbers.as_mut_ptr(), 3, 4, compare) };
        numbers[0]
    });
    scene("even", &set, || even(40));
    scene("mutex", &set, || {
        let shared = Arc::new(Mutex::new(1));
        let other = shared.clone();
        let locked = shared.lock().unwrap();
        thread::Builder::new()
            .name("waits-mutex".to_string())
            .spawn(move || *other.lock().unwrap())
            .unwrap();
        hold() + *locked
    });

    println!("ready {}", std::process::id());
    std::io::stdout().flush().unwrap();
    let mut rest = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut rest);
    std::process::exit(0);
}
