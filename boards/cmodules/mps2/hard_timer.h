#define IRQ_HARD_TIMER 10

void hard_timer_fired(void); // the interrupt's handler
void hard_timer_stop(void);
