/*
 * tactful.h: an embeddable customer decision engine. The guide is docs/c.md.
 *
 * Made from the Rust sources; do not edit. C99 and later, C++11 and later; tactful.hpp is a C++ layer over it.
 *
 * Calls.      A function that can fail returns a tactful_status, 0 (TACTFUL_OK) on success. Its last parameter takes the
 *             reason and may be null. Outputs, the error among them, are written only when they are there: results on
 *             success, an error on failure. What an output held before is overwritten, not freed.
 * Handles.    A pointer to a handle is null only to be freed, or where its function says so; a function that needs one says
 *             "null_pointer". Each handle is freed once, by the function named after it. Handles do not depend on each
 *             other's lives: an engine may be freed before the customers made with it.
 * Threads.    A handle that a function takes as `const` may be used by many threads at once; one that it does not may be
 *             used by nobody else meanwhile. Only a tactful_base may be used by many threads in every way, until it is freed.
 *             Handles may move between threads.
 * Text.       See tactful_text.
 * Time.       Microseconds since 1970-01-01T00:00:00Z, in the years 1 to 9999. Nothing here reads a clock.
 * Constants.  Values of parameters and fields named after a family, such as TACTFUL_EFFECT_..., may grow in later versions.
 */

#ifndef TACTFUL_H
#define TACTFUL_H
