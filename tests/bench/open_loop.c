/* Sends requests at a fixed rate and prints the median and the 99th percentile of their latencies in microseconds.
   A latency counts from the instant at which its request was meant to start.

   open_loop PORT RATE SECONDS BODY-FILE */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 64, ANSWER = 65536 };

static int sockets[CONNECTIONS], busy[CONNECTIONS], length[CONNECTIONS];
static double due[CONNECTIONS];
static char answers[CONNECTIONS][ANSWER], body[8192], request[16384];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void open_all(int port, int poll) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < CONNECTIONS; i++) {
        int one = 1;
        sockets[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(sockets[i], (void *)&address, sizeof address)) fail("connect");
        setsockopt(sockets[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        fcntl(sockets[i], F_SETFL, O_NONBLOCK);
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        epoll_ctl(poll, EPOLL_CTL_ADD, sockets[i], &event);
    }
}

/* Says whether the answer on a connection is complete. */
static int is_complete(int i) {
    ssize_t got = read(sockets[i], answers[i] + length[i], ANSWER - 1 - length[i]);
    if (got < 0 && errno == EAGAIN) return 0;
    if (got <= 0) fail("read");
    length[i] += got;
    answers[i][length[i]] = 0;
    char *end = strstr(answers[i], "\r\n\r\n"), *told = strcasestr(answers[i], "content-length:");
    if (!end) return 0;
    if (strncmp(answers[i] + 9, "200", 3)) fail(answers[i]);
    if (told && told < end) return answers[i] + length[i] - (end + 4) >= atoi(told + 15);
    return strstr(end, "\r\n0\r\n\r\n") != NULL;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int count, char **arguments) {
    if (count != 5) return 2;
    int port = atoi(arguments[1]), rate = atoi(arguments[2]), all = rate * atof(arguments[3]);
    FILE *file = fopen(arguments[4], "r");
    if (!file) fail(arguments[4]);
    int size = fread(body, 1, sizeof body, file);
    int wanted = sprintf(request,
                         "POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
                         "anthropic-version: 2023-06-01\r\nx-api-key: none\r\ncontent-length: %d\r\n\r\n%.*s",
                         size, size, body);
    int poll = epoll_create1(0), sent = 0, done = 0;
    double *latencies = calloc(all, sizeof *latencies), begin = now() + 1000;
    open_all(port, poll);
    while (done < all) {
        double at = now();
        for (int i = 0; sent < all && begin + sent * 1e6 / rate <= at; sent++) {
            while (i < CONNECTIONS && busy[i]) i++;
            if (i == CONNECTIONS) break;
            busy[i] = 1, length[i] = 0, due[i] = begin + sent * 1e6 / rate;
            if (write(sockets[i], request, wanted) != wanted) fail("write");
        }
        double left = sent < all ? begin + sent * 1e6 / rate - now() : 1000;
        struct timespec wait = {0, left > 0 ? (long)(left * 1000) : 0};
        struct epoll_event events[CONNECTIONS];
        int ready = epoll_pwait2(poll, events, CONNECTIONS, &wait, NULL);
        for (int k = 0; k < ready; k++) {
            int i = events[k].data.u32;
            if (!is_complete(i)) continue;
            latencies[done++] = now() - due[i];
            busy[i] = 0;
        }
    }
    qsort(latencies, all, sizeof *latencies, ascending);
    printf("%.0f %.0f\n", latencies[all / 2], latencies[all * 99 / 100]);
}
