/* Goes through the whole interface once, for valgrind: right calls, wrong calls, two threads. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pointsman.h"

#define CHECK(condition)                                                                            \
    do {                                                                                            \
        if (!(condition)) {                                                                         \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, pointsman_last_error()); \
            exit(1);                                                                                \
        }                                                                                           \
    } while (0)

static const char URL[] = "https://api.anthropic.com/v1/messages";

static pointsman_request *request(const pointsman_router *router) {
    static const char body[] =
        "{\"model\":\"claude-sonnet-4-6\",\"max_tokens\":64,\"stream\":true,"
        "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
    pointsman_request *request = pointsman_request_new(router, "POST", URL);
    CHECK(request != NULL);
    CHECK(pointsman_request_header(request, "content-type", "application/json") == 0);
    CHECK(pointsman_request_body(request, (const uint8_t *)body, sizeof body - 1) == 0);
    return request;
}

static void read_all(pointsman_request *request) {
    uint8_t piece[64];
    int64_t read;
    while ((read = pointsman_read(request, piece, sizeof piece)) > 0) {
        fwrite(piece, 1, (size_t)read, stdout);
    }
    CHECK(read == 0);
}

static void walk(const pointsman_request *request) {
    for (size_t place = 0; place < pointsman_answer_header_count(request); place++) {
        CHECK(strlen(pointsman_answer_header_name(request, place)) > 0);
        CHECK(pointsman_answer_header_value(request, place) != NULL);
    }
    CHECK(pointsman_answer_header_name(request, 1000) == NULL);
    CHECK(pointsman_answer_header(request, "x-pointsman-account") != NULL);
    CHECK(pointsman_answer_header(request, "x-no-such-header") == NULL);
}

static void *cancelled(void *request) {
    pointsman_cancel(request);
    return NULL;
}

/* Cancelled by another thread, before or while it is fetched. */
static void cancel(const pointsman_router *router) {
    pointsman_request *asked = request(router);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, cancelled, asked) == 0);
    int32_t status = pointsman_fetch(asked);
    CHECK(status == -POINTSMAN_ERROR_CANCELLED || status == 200);
    CHECK(pthread_join(thread, NULL) == 0);
    uint8_t piece[64];
    CHECK(pointsman_read(asked, piece, sizeof piece) == -POINTSMAN_ERROR_CANCELLED);
    pointsman_request_free(asked);
}

static void refuse(const pointsman_router *router) {
    CHECK(pointsman_start(NULL, "strategy: [", NULL) == NULL);
    CHECK(pointsman_last_error_code() == POINTSMAN_ERROR_CONFIG);
    CHECK(pointsman_request_new(router, "POST", NULL) == NULL);
    CHECK(pointsman_fetch(NULL) == -POINTSMAN_ERROR_ARGUMENT);
    CHECK(pointsman_stop(NULL, 0) == -POINTSMAN_ERROR_ARGUMENT);
    CHECK(pointsman_listen(router, "nowhere") == NULL);
    CHECK(pointsman_last_error_code() == POINTSMAN_ERROR_LISTEN);
    CHECK(pointsman_claims(router, "POST", URL) == 1);
    CHECK(pointsman_last_error_code() == POINTSMAN_OK);
    pointsman_request_free(NULL);
    pointsman_text_free(NULL);
    pointsman_cancel(NULL);
}

static void taken(char *text) {
    CHECK(text != NULL);
    CHECK(strlen(text) > 0);
    pointsman_text_free(text);
}

int main(int count, char **arguments) {
    CHECK(count > 1);
    CHECK(pointsman_c_version() == POINTSMAN_C_VERSION);
    pointsman_router *router = pointsman_start(arguments[1], NULL, "POINTSMAN_MAX_WAIT=1s\nPOINTSMAN_NOBODY=1\n");
    CHECK(router != NULL);

    pointsman_request *asked = request(router);
    CHECK(pointsman_fetch(asked) == 200);
    CHECK(pointsman_answer_status(asked) == 200);
    walk(asked);
    read_all(asked);

    taken(pointsman_status(router));
    taken(pointsman_token(router));
    taken(pointsman_listen(router, NULL));
    taken(pointsman_listen(router, "127.0.0.1:0"));
    taken(pointsman_next_notice(router, 10000));
    taken(pointsman_next_log(router, 10000));
    refuse(router);
    cancel(router);

    /* Given up in the middle, and freed after the end. */
    pointsman_request *left = request(router);
    CHECK(pointsman_fetch(left) == 200);
    pointsman_request_free(left);
    CHECK(pointsman_stop(router, 1000) == 0);
    uint8_t piece[64];
    CHECK(pointsman_read(asked, piece, sizeof piece) == 0);
    pointsman_request_free(asked);
    return 0;
}
