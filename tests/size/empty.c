/* empty: the image that is taken off the others */
extern volatile int sink;
void start(void);

void start(void)
{
    for (;;)
        sink = 0;
}
