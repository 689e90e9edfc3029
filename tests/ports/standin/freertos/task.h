#pragma once
typedef void (*TaskFunction_t)(void *);
typedef struct standin_task *TaskHandle_t;
BaseType_t xTaskCreate(TaskFunction_t code, const char *name, size_t depth, void *arg, UBaseType_t priority, TaskHandle_t *made);
TickType_t xTaskGetTickCount(void);
