// What the parts of this program share: a scene is a thread that calls itself into something that makes
// a backtrace hard, and there blocks for good, so that two debuggers see the same.
#ifndef SCENE_H
#define SCENE_H

#include <functional>

#define NOINLINE __attribute__((noinline))
#define INLINE __attribute__((always_inline)) inline

// Counts the scene as set and blocks. Each scene ends here, and none returns.
void hold();

// Starts a scene on a thread of this name (15 characters), waits until it holds.
void scene(const char *name, std::function<void()> body);

// The parts.
void language_scenes();
void object_scenes();
void exception_scenes();
void library_scenes();
void signal_scenes();
void shared_scenes();

#endif
