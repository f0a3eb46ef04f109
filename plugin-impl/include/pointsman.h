/* Pointsman for programs in C, and in all that can call C. The contract is in docs/C-ABI.md.
 *
 * Made by `UPDATE_HEADER=1 cargo test -p pointsman-tests --test capi`; do not edit. */

#ifndef POINTSMAN_H
#define POINTSMAN_H

#include <stddef.h>
#include <stdint.h>

// There was no error.
#define POINTSMAN_OK 0

// A bug in the library; it was fenced in and nothing else is affected.
#define POINTSMAN_ERROR_INTERNAL 1

// The configuration is not usable; the text names file, line, key and remedy.
#define POINTSMAN_ERROR_CONFIG 2

// The request is not usable as it stands.
#define POINTSMAN_ERROR_BAD_REQUEST 3

// The upstream broke off, or could not be reached.
#define POINTSMAN_ERROR_UPSTREAM 4

// The router has been stopped.
#define POINTSMAN_ERROR_CLOSED 5

// The address to listen on is not usable.
#define POINTSMAN_ERROR_LISTEN 6

// The request was cancelled by `pointsman_cancel`.
#define POINTSMAN_ERROR_CANCELLED 7

// A handle or a text was null or no UTF-8, or a call came out of its order.
#define POINTSMAN_ERROR_ARGUMENT 8

// The version of this interface: `major << 16 | minor`. Another major breaks; a minor adds.
#define POINTSMAN_C_VERSION (1 << 16)

// One request and its answer.
//
// One thread at a time may use it, but any thread may call `pointsman_cancel` at any time until it is
// freed.
typedef struct pointsman_request pointsman_request;

// A running router.
//
// Any thread may use it, and several at once, until `pointsman_stop` begins.
typedef struct pointsman_router pointsman_router;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Returns the code of the thread's last call: `POINTSMAN_OK`, or why it failed.
//
// Functions that only free, and the two that ask for the error, leave it as it is.
int32_t pointsman_last_error_code(void);

// Returns the text for it in UTF-8, or an empty one. It is valid until the thread's next call, and is
// not to be freed.
const char *pointsman_last_error(void);

// Frees a text that a function gave. Null is left alone.
//
// What the caller sees to:
// `text` is null, or was given by this library and has not been freed.
void pointsman_text_free(char *text);

// Returns the version of this interface: `major << 16 | minor`, as `POINTSMAN_C_VERSION` in the header
// that a program was compiled with. The majors have to be equal, and the library's minor must not be
// the smaller one. To be called before anything else.
uint32_t pointsman_c_version(void);

// Returns the version of the library as a text. It is always valid.
const char *pointsman_version(void);

// Starts a router, and returns null where it cannot be started. To be stopped by `pointsman_stop`.
//
// `config_text` is a configuration; without one `config_path` is a file with one, which is watched for
// changes; without either the usual places are looked at. `environment` are lines `NAME=VALUE` that hold
// before the process's own variables; those named `POINTSMAN_…` are settings. Each may be null.
//
// What the caller sees to:
// Each text is null or ends in a zero.
pointsman_router *pointsman_start(const char *config_path,
                                  const char *config_text,
                                  const char *environment);

// Stops a router and frees it: it takes no more requests, lets those under way finish for `grace_ms`,
// cuts the rest and waits until its threads have ended. Returns 0, or a negative code. Null is refused
// and left alone.
//
// Requests that have not been freed stay valid, and yield `POINTSMAN_ERROR_CLOSED`.
//
// What the caller sees to:
// `router` is null, or has not been stopped, and no other call with it is under way but
// `pointsman_next_notice` and `pointsman_next_log`, which return at once.
int32_t pointsman_stop(pointsman_router *router,
                       uint64_t grace_ms);

// Returns the state of all accounts as JSON, or null. To be freed by `pointsman_text_free`.
//
// What the caller sees to:
// `router` is a router that is not being stopped.
char *pointsman_status(const pointsman_router *router);

// Returns the oldest notice that has not been taken as JSON, after waiting for one for `wait_ms` at the
// most. Null means none, or an error. To be freed by `pointsman_text_free`.
//
// What the caller sees to:
// `router` is a router that is not being stopped.
char *pointsman_next_notice(const pointsman_router *router,
                            uint32_t wait_ms);

// Returns the oldest line of the log that has not been taken as JSON, as `pointsman_next_notice` does.
//
// What the caller sees to:
// As there.
char *pointsman_next_log(const pointsman_router *router,
                         uint32_t wait_ms);

// Serves plain HTTP to this program and to nobody else, and returns the address or null. To be freed by
// `pointsman_text_free`.
//
// Without an address it is a unix socket of mode 0600 in a folder of mode 0700 that is made for it:
// `unix:PATH`. Where there are no unix sockets, or where `address` is `HOST:PORT` of the loopback, each
// request needs `pointsman_token` as the header `x-pointsman-token`, as a bearer token or as an API key.
// The header `x-pointsman-target` says where a request would have gone; without it the path decides, as
// at the gateway.
//
// What the caller sees to:
// `router` is a router that is not being stopped; `address` is null or ends in a zero.
char *pointsman_listen(const pointsman_router *router,
                       const char *address);

// Returns the token that `pointsman_listen` asks for on a TCP port, or null. To be freed by
// `pointsman_text_free`.
//
// What the caller sees to:
// `router` is a router that is not being stopped.
char *pointsman_token(const pointsman_router *router);

// Returns 1 where a request to `url` would be routed, 0 where it would pass through untouched, or a
// negative code.
//
// What the caller sees to:
// `router` is a router that is not being stopped; the texts end in a zero.
int32_t pointsman_claims(const pointsman_router *router, const char *method, const char *url);

// Begins to put a request together, which the program would have sent to `url` itself. Returns null
// where the method or the URL is not one. To be freed by `pointsman_request_free`.
//
// What the caller sees to:
// `router` is a router that is not being stopped; the texts end in a zero.
pointsman_request *pointsman_request_new(const pointsman_router *router,
                                         const char *method,
                                         const char *url);

// Adds a header. Returns 0, or a negative code.
//
// What the caller sees to:
// `request` has not been freed; the texts end in a zero.
int32_t pointsman_request_header(pointsman_request *request, const char *name, const char *value);

// Sets the body; the bytes are copied. Returns 0, or a negative code.
//
// What the caller sees to:
// `request` has not been freed; `bytes` has `length` bytes, or is null and `length` is 0.
int32_t pointsman_request_body(pointsman_request *request, const uint8_t *bytes, size_t length);

// Sends the request and waits for the head of its answer. Returns the status of HTTP, or a negative code.
//
// An answer of the upstream is no error whatever its status, and neither is a refusal of the router.
//
// What the caller sees to:
// `request` has not been freed.
int32_t pointsman_fetch(pointsman_request *request);

// Waits for the next bytes of the answer's body and copies as many as there are and have room. Returns
// their number, 0 at the end, or a negative code where the body broke off; from then on always the same.
//
// What the caller sees to:
// `request` has not been freed; `into` has room for `size` bytes.
int64_t pointsman_read(pointsman_request *request,
                       uint8_t *into,
                       size_t size);

// Returns the status of the answer, or a negative code where there is none.
//
// What the caller sees to:
// `request` has not been freed.
int32_t pointsman_answer_status(const pointsman_request *request);

// Returns the first value of a header of the answer, whatever the case of its name, or null where there
// is none. It is valid until the request is freed.
//
// What the caller sees to:
// `request` has not been freed; `name` ends in a zero.
const char *pointsman_answer_header(const pointsman_request *request,
                                    const char *name);

// Returns how many headers the answer has; none before there is one.
//
// What the caller sees to:
// `request` has not been freed.
size_t pointsman_answer_header_count(const pointsman_request *request);

// Returns the name of a header by its place, in lower case, or null where there is none. It is valid
// until the request is freed.
//
// What the caller sees to:
// `request` has not been freed.
const char *pointsman_answer_header_name(const pointsman_request *request,
                                         size_t place);

// Returns the value of a header by its place, or null where there is none. It need not be UTF-8, and is
// valid until the request is freed.
//
// What the caller sees to:
// `request` has not been freed.
const char *pointsman_answer_header_value(const pointsman_request *request,
                                          size_t place);

// Cancels the request, from any thread: it is closed upstream, and whoever waits in `pointsman_fetch` or
// `pointsman_read` gets `POINTSMAN_ERROR_CANCELLED`. Null, and what is over, is left alone.
//
// What the caller sees to:
// `request` is null, or has not been freed.
void pointsman_cancel(const pointsman_request *request);

// Frees a request; one that is under way is cancelled. Null is left alone.
//
// What the caller sees to:
// `request` is null, or has not been freed, and no other call with it is under way.
void pointsman_request_free(pointsman_request *request);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* POINTSMAN_H */
