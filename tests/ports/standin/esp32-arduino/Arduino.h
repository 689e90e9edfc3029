/* Arduino for the ESP32 as far as the library and the sketch use it: declarations written for this test. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#define F(text) text
struct HardwareSerial {
    void begin(unsigned long baud);
    void print(const char *text); void print(char c); void print(int n);
    void println(const char *text); void println(int n);
};
extern HardwareSerial Serial;
unsigned long millis(void);
void delay(uint32_t ms);
void configTime(long gmt, int daylight, const char *server);
