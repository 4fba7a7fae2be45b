"""保存: how long a matter's words stay, who may hold them, and how they go."""
